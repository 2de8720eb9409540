package supervise

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// request is one line that came over the control socket:
//
//	start|stop|kill|restart COMPONENT    shutdown
//
// It is answered with one line, `ok` or `error: …`, once it is done: a started
// API server answers on its old port again, a stopped component is gone.
type request struct {
	line       string
	connection net.Conn
}

func (r request) answer(err error) {
	defer r.connection.Close()
	text := "ok"
	if err != nil {
		text = "error: " + strings.ReplaceAll(err.Error(), "\n", " | ")
	}
	_ = r.connection.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = fmt.Fprintln(r.connection, text) // the asker may have gone away
}

// listen passes on the requests that come over the control socket.
func listen(socket string) (<-chan request, error) {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("opening the control socket (is the folder's path longer than 90 characters?): %w", err)
	}
	requests := make(chan request)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go receive(connection, requests)
		}
	}()
	return requests, nil
}

func receive(connection net.Conn, requests chan<- request) {
	_ = connection.SetReadDeadline(time.Now().Add(requestTimeout))
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		connection.Close()
		return
	}
	requests <- request{line: strings.TrimSpace(line), connection: connection}
}

// perform carries out a request about one component.
func (s *supervisor) perform(ctx context.Context, line string) error {
	verb, component, _ := strings.Cut(line, " ")
	if !slices.Contains(components, component) {
		return fmt.Errorf("%q names no component; there are %s", line, strings.Join(components, ", "))
	}
	p := s.processes[component]
	switch verb {
	case "start":
		if p.running() {
			return fmt.Errorf("%s is running", component)
		}
		return s.start(ctx, component)
	case "stop":
		p.stop(stopGrace)
		return nil
	case "kill":
		p.kill()
		return nil
	case "restart":
		p.stop(stopGrace)
		return s.start(ctx, component)
	default:
		return fmt.Errorf("%q is no request; there are start, stop, kill, restart and shutdown", verb)
	}
}
