package supervise

import (
	"net"
	"testing"
)

func TestReservedPortsAreDistinctAndFree(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		reservation, err := reserve()
		if err != nil {
			t.Fatal(err)
		}
		defer reservation.hold.Close()
		if seen[reservation.port] {
			t.Fatalf("port %d was reserved twice", reservation.port)
		}
		seen[reservation.port] = true
		listener, err := net.Listen("tcp4", address(reservation.port))
		if err != nil {
			t.Fatalf("port %d is not free: %v", reservation.port, err)
		}
		listener.Close()
	}
}

func TestReservedPortsLieBelowTheKernelsOwnRange(t *testing.T) {
	reservation, err := reserve()
	if err != nil {
		t.Fatal(err)
	}
	defer reservation.hold.Close()
	if reservation.port >= lowestEphemeral() {
		t.Errorf("port %d may be given to an outgoing connection", reservation.port)
	}
}
