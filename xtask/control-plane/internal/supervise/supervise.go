// Package supervise runs one control plane on the loopback address.
//
//	launcher ──stdin (held open)──▶ supervise ──▶ etcd
//	         ◀──stdout: "ready"────     │    ├──▶ kube-apiserver
//	         ──DIR/control.sock────▶    │    ├──▶ kube-controller-manager
//	                                    │    └──▶ kube-scheduler
//	                                    └── DIR: keys, kubeconfig, logs, audit log, data
//
// Nothing outlives it: the children die with this process, whatever ends it,
// and this process ends with its standard input, which the launcher holds.
// Nothing is read from the surroundings either: every port, key and file is its
// own, so any number of them run side by side.
package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// stopGrace is what a component gets to end by itself. They need a fraction of
// it, unless clients keep the API server busy.
const stopGrace = 5 * time.Second

type options struct {
	dir     string
	remove  bool
	detach  bool
	timeout time.Duration
	version string
	extra   map[string][]string
}

type supervisor struct {
	options   options
	program   string
	layout    layout
	ports     map[string]int
	holds     []net.Listener
	processes map[string]*process
	client    *client
}

// Run is the command line of `supervise`; it returns the exit code.
func Run(arguments []string, version string) int {
	// A child is killed when the thread that started it ends. The goroutine
	// that starts all of them therefore never leaves its thread.
	runtime.LockOSThread()
	// A launcher that went away must not end us in the middle of cleaning up.
	signal.Ignore(syscall.SIGPIPE)

	options, err := parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	options.version = version
	if err := run(options); err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
		return 1
	}
	return 0
}

func parse(arguments []string) (options, error) {
	o := options{extra: map[string][]string{}}
	flags := flag.NewFlagSet("supervise", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "folder of this control plane; must be empty or missing")
	flags.BoolVar(&o.remove, "remove-dir", false, "remove the folder at the end")
	flags.BoolVar(&o.detach, "detach-from-stdin", false, "once ready, live on when standard input ends")
	flags.DurationVar(&o.timeout, "ready-timeout", 2*time.Minute, "how long one component may take to get ready")
	for component, name := range map[string]string{
		etcd: "etcd-arg", apiserver: "apiserver-arg", controllerManager: "kcm-arg", scheduler: "scheduler-arg",
	} {
		flags.Func(name, "a further argument of "+component+"; may be repeated, wins over the built-in ones", func(value string) error {
			o.extra[component] = append(o.extra[component], value)
			return nil
		})
	}
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if o.dir == "" || flags.NArg() > 0 {
		return o, errors.New("supervise needs --dir and takes no argument besides flags")
	}
	absolute, err := filepath.Abs(o.dir)
	o.dir = absolute
	return o, err
}

func run(o options) (err error) {
	if err := claim(o.dir); err != nil {
		return err
	}
	s := &supervisor{options: o, layout: layout(o.dir), ports: map[string]int{}, processes: map[string]*process{}}
	defer func() {
		s.note(err)
		err = errors.Join(err, s.end())
	}()

	ctx, release := lifetime(o.detach)
	requests, err := s.prepare()
	if err != nil {
		return err
	}
	if err := s.startAll(ctx); err != nil {
		return err
	}
	release()
	fmt.Println("ready")
	return s.serve(ctx, requests)
}

// claim takes the folder, or refuses one with foreign things in it: it may be
// removed at the end.
func claim(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("the folder %q is not empty", dir)
	}
	return os.MkdirAll(dir, 0o700)
}

// lifetime is a context that ends with standard input or at a signal. Calling
// `release` frees a detached supervisor from its standard input; until then
// even that one ends with its launcher.
func lifetime(detach bool) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	input := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(input)
	}()
	released := make(chan struct{})
	go func() {
		ended := input
		for {
			select {
			case <-ended:
				if !closed(released) {
					cancel(errors.New("standard input ended"))
					return
				}
				ended = nil
			case received := <-signals:
				if received != syscall.SIGHUP || !detach {
					cancel(fmt.Errorf("received %v", received))
					return
				}
			}
		}
	}()
	return ctx, func() {
		if detach {
			close(released)
		}
	}
}

func (s *supervisor) prepare() (<-chan request, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s.program = program
	if err := s.layout.create(program); err != nil {
		return nil, err
	}
	for _, component := range components {
		reservation, err := reserve()
		if err != nil {
			return nil, err
		}
		s.ports[component] = reservation.port
		s.holds = append(s.holds, reservation.hold)
	}
	if err := writeCredentials(s.layout); err != nil {
		return nil, err
	}
	if err := writeKubeconfigs(s.layout, s.url(apiserver)); err != nil {
		return nil, err
	}
	if err := writeAuditPolicy(s.layout); err != nil {
		return nil, err
	}
	if s.client, err = newClient(s.layout); err != nil {
		return nil, err
	}
	return listen(s.layout.socket())
}

func (s *supervisor) url(component string) string { return "https://" + address(s.ports[component]) }

// startAll starts the components, the two clients of the API server together,
// and waits until a pod can be created: the parts that controllers make have
// to be there as well.
func (s *supervisor) startAll(ctx context.Context) error {
	for _, component := range []string{etcd, apiserver} {
		if err := s.start(ctx, component); err != nil {
			return err
		}
	}
	for _, component := range []string{controllerManager, scheduler} {
		if err := s.launch(component); err != nil {
			return err
		}
	}
	if err := s.allowKubeletClient(ctx); err != nil {
		return err
	}
	core := s.url(apiserver) + "/api/v1/namespaces/"
	for _, each := range []struct {
		what, component string
		ready           check
	}{
		{"the default service account exists", controllerManager, s.client.fetch(core + "default/serviceaccounts/default")},
		{"the cluster's root certificate is published", controllerManager, s.client.fetch(core + "default/configmaps/kube-root-ca.crt")},
		{"the client authorities are published", apiserver, s.client.fetch(
			core+"kube-system/configmaps/extension-apiserver-authentication", "client-ca-file", "requestheader-client-ca-file")},
		{controllerManager + " is healthy", controllerManager, s.readiness(controllerManager)},
		{scheduler + " is ready", scheduler, s.readiness(scheduler)},
	} {
		if err := s.await(ctx, each.what, each.component, each.ready); err != nil {
			return err
		}
	}
	return s.describe()
}

// start launches a component and waits until it is ready.
func (s *supervisor) start(ctx context.Context, component string) error {
	if err := s.launch(component); err != nil {
		return err
	}
	if err := s.await(ctx, component+" is ready", component, s.readiness(component)); err != nil {
		return err
	}
	return s.describe()
}

func (s *supervisor) launch(component string) error {
	p, err := spawn(s.program, component, s.arguments(component), s.layout.log(component), string(s.layout))
	if err != nil {
		return err
	}
	s.processes[component] = p
	return nil
}

func (s *supervisor) readiness(component string) check {
	switch component {
	case etcd: // speaks to nobody but the API server, so accepting a connection has to do
		return func(ctx context.Context) error {
			connection, err := (&net.Dialer{}).DialContext(ctx, "tcp4", address(s.ports[etcd]))
			if err != nil {
				return err
			}
			return connection.Close()
		}
	case controllerManager:
		return s.client.fetch(s.url(component) + "/healthz")
	default:
		return s.client.fetch(s.url(component) + "/readyz")
	}
}

// allowKubeletClient gives the API server, in its role as client of the nodes,
// the rights that RBAC has ready for it. It is no administrator, so that a node
// that asks for the wrong permission is found out.
func (s *supervisor) allowKubeletClient(ctx context.Context) error {
	type object = map[string]any
	const group = "rbac.authorization.k8s.io"
	return s.client.create(ctx, s.url(apiserver)+"/apis/"+group+"/v1/clusterrolebindings", object{
		"apiVersion": group + "/v1",
		"kind":       "ClusterRoleBinding",
		"metadata":   object{"name": "kube-apiserver-kubelet-client"},
		"roleRef":    object{"apiGroup": group, "kind": "ClusterRole", "name": "system:kubelet-api-admin"},
		"subjects":   []object{{"apiGroup": group, "kind": "User", "name": kubeletClientUser}},
	})
}

// serve answers requests until the lifetime ends, or a component that nobody
// asked to end has ended.
func (s *supervisor) serve(ctx context.Context, requests <-chan request) error {
	watch := time.NewTicker(pollEvery)
	defer watch.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case request := <-requests:
			if request.line == "shutdown" {
				request.answer(s.end())
				return nil
			}
			request.answer(s.perform(ctx, request.line))
		case <-watch.C:
			if err := s.unexpectedEnd(); err != nil {
				return err
			}
		}
	}
}

func (s *supervisor) unexpectedEnd() error {
	for _, component := range components {
		if p := s.processes[component]; !p.running() && !p.asked {
			return fmt.Errorf("%s ended by itself (%v); end of its log:\n%s", component, p.cmd.ProcessState, tail(s.layout.log(component)))
		}
	}
	return nil
}

// note leaves the reason of a failure in the folder: whoever launched a detached
// supervisor no longer reads what it prints.
func (s *supervisor) note(failure error) {
	if failure != nil {
		_ = os.WriteFile(s.layout.log("supervise"), []byte(failure.Error()+"\n"), 0o600)
	}
}

// end stops everything, in the reverse order of the start. When the folder goes
// too there is nothing to save, and nobody has to wait for a graceful end. It
// may be repeated.
func (s *supervisor) end() error {
	for _, component := range slices.Backward(components) {
		p := s.processes[component]
		switch {
		case p == nil:
		case s.options.remove:
			p.kill()
		default:
			p.stop(stopGrace)
		}
	}
	for _, hold := range s.holds {
		hold.Close()
	}
	if s.options.remove {
		return os.RemoveAll(string(s.layout))
	}
	return nil
}

// describe writes what a launcher has to know, at once or not at all.
func (s *supervisor) describe() error {
	pids := map[string]int{}
	for component, p := range s.processes {
		pids[component] = p.cmd.Process.Pid
	}
	content, err := json.MarshalIndent(map[string]any{
		"version":        strings.TrimSpace(s.options.version),
		"server":         s.url(apiserver),
		"kubeconfig":     s.layout.kubeconfig("admin"),
		"kubectl":        s.layout.kubectl(),
		"pki":            s.layout.path("pki"),
		"audit_log":      s.layout.auditLog(),
		"logs":           s.layout.path("logs"),
		"control_socket": s.layout.socket(),
		"service_range":  serviceRange,
		"supervisor_pid": os.Getpid(),
		"pids":           pids,
	}, "", "  ")
	if err != nil {
		return err
	}
	draft := s.layout.description() + ".new"
	if err := os.WriteFile(draft, content, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, s.layout.description())
}
