package supervise

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
)

// reservation keeps a port for this control plane, also while its component is
// stopped.
//
// A port that the kernel hands out (bind to 0) may be given to any outgoing
// connection of this host as soon as it is closed, so a stopped API server could
// lose its port. These lie below the range the kernel hands out from, and an
// abstract socket of the same number tells other supervisors that it is taken:
// it has the scope of the ports (a network namespace) and ends with the process.
type reservation struct {
	port int
	hold net.Listener
}

const (
	lowestPort = 10_000
	attempts   = 1_000
)

// reserve finds a port that nobody listens on and nobody has reserved.
func reserve() (reservation, error) {
	for range attempts {
		port := lowestPort + rand.IntN(lowestEphemeral()-lowestPort)
		hold, err := net.Listen("unix", fmt.Sprintf("@ack-virtual-node-port-%d", port))
		if err != nil {
			continue
		}
		probe, err := net.Listen("tcp4", address(port))
		if err != nil {
			hold.Close()
			continue
		}
		probe.Close()
		return reservation{port: port, hold: hold}, nil
	}
	return reservation{}, fmt.Errorf("found no free port on %s in %d attempts", loopback, attempts)
}

func address(port int) string { return fmt.Sprintf("%s:%d", loopback, port) }

// lowestEphemeral reads where the kernel's own range begins (32768 unless set).
func lowestEphemeral() int {
	var low, high int
	content, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		_, err = fmt.Fscan(strings.NewReader(string(content)), &low, &high)
	}
	if err != nil || low <= lowestPort {
		return 32_768
	}
	return low
}
