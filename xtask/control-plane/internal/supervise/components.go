package supervise

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
)

// The components in the order in which they start.
const (
	etcd              = "etcd"
	apiserver         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
)

var components = []string{etcd, apiserver, controllerManager, scheduler}

const (
	loopback     = "127.0.0.1"
	serviceRange = "10.96.0.0/16"
	issuer       = "https://kubernetes.default.svc.cluster.local"
	// A documentation address (RFC 5737): the API server refuses to advertise
	// a loopback one, and nothing here ever dials it.
	advertised = "192.0.2.1"
)

var (
	serviceIP    = net.IPv4(10, 96, 0, 1)
	serviceNames = []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
)

// arguments returns the command line of a component. What the caller adds
// comes last and therefore wins.
func (s *supervisor) arguments(component string) []string {
	own := map[string]func() []string{
		etcd:              s.etcdArguments,
		apiserver:         s.apiserverArguments,
		controllerManager: s.controllerManagerArguments,
		scheduler:         s.schedulerArguments,
	}[component]()
	return append(own, s.options.extra[component]...)
}

// etcd syncs nothing to disk: a cluster that lives for a test has nothing to
// fear from a power cut, and tests are bound by that wait. Its only peer is
// itself, which is why the peer address is a socket in the folder.
func (s *supervisor) etcdArguments() []string {
	peer := "unix://" + s.layout.path("etcd-peer.sock")
	return []string{
		"--name=default",
		"--data-dir=" + s.layout.data(),
		"--unsafe-no-fsync",
		"--listen-client-urls=" + s.url(etcd),
		"--advertise-client-urls=" + s.url(etcd),
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
		"--client-cert-auth",
		"--trusted-ca-file=" + s.layout.certificate("etcd-ca"),
		"--cert-file=" + s.layout.certificate("etcd-server"),
		"--key-file=" + s.layout.key("etcd-server"),
		"--log-level=warn",
	}
}

func (s *supervisor) apiserverArguments() []string {
	return []string{
		"--bind-address=" + loopback,
		fmt.Sprintf("--secure-port=%d", s.ports[apiserver]),
		"--advertise-address=" + advertised,
		// With any other reconciler the API server tries to publish the
		// advertised address as the endpoint of the Service "kubernetes".
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=" + serviceRange,
		"--cert-dir=" + s.layout.path("pki"),
		"--tls-cert-file=" + s.layout.certificate("apiserver"),
		"--tls-private-key-file=" + s.layout.key("apiserver"),

		"--etcd-servers=" + s.url(etcd),
		"--etcd-cafile=" + s.layout.certificate("etcd-ca"),
		"--etcd-certfile=" + s.layout.certificate("etcd-client"),
		"--etcd-keyfile=" + s.layout.key("etcd-client"),

		"--client-ca-file=" + s.layout.certificate("ca"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--service-account-issuer=" + issuer,
		"--api-audiences=" + issuer,
		"--service-account-key-file=" + s.layout.certificate("sa"),
		"--service-account-signing-key-file=" + s.layout.key("sa"),

		"--kubelet-client-certificate=" + s.layout.certificate("kubelet-client"),
		"--kubelet-client-key=" + s.layout.key("kubelet-client"),
		"--kubelet-preferred-address-types=InternalIP",

		"--requestheader-client-ca-file=" + s.layout.certificate("front-proxy-ca"),
		"--requestheader-allowed-names=" + frontProxyUser,
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + s.layout.certificate("front-proxy-client"),
		"--proxy-client-key-file=" + s.layout.key("front-proxy-client"),
		// There is no kube-proxy: webhooks and aggregated API servers are
		// reached at their endpoints' addresses.
		"--enable-aggregator-routing=true",

		"--audit-log-path=" + s.layout.auditLog(),
		"--audit-policy-file=" + s.layout.auditPolicy(),
		// Without it a stopping API server waits a minute for watches to end.
		"--shutdown-watch-termination-grace-period=1s",
		// In megabytes; rotated at the default of 100 it would lose counts.
		"--audit-log-maxsize=100000",
	}
}

func (s *supervisor) controllerManagerArguments() []string {
	return append(s.controllerArguments(controllerManager, "controller-manager"),
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+s.layout.key("sa"),
		"--root-ca-file="+s.layout.certificate("ca"),
		"--cluster-signing-cert-file="+s.layout.certificate("ca"),
		"--cluster-signing-key-file="+s.layout.key("ca"),
		// The default is a folder of the host, which it would create.
		"--flex-volume-plugin-dir="+s.layout.path("flexvolume"),
	)
}

func (s *supervisor) schedulerArguments() []string {
	return s.controllerArguments(scheduler, "scheduler")
}

// controllerArguments is what the two clients of the API server share. There is
// one of each, so an election would only delay it. The default limits on
// requests suit a cluster of many nodes; here they would be what a test of a
// hundred pods measures.
func (s *supervisor) controllerArguments(component, user string) []string {
	return []string{
		"--bind-address=" + loopback,
		fmt.Sprintf("--secure-port=%d", s.ports[component]),
		"--tls-cert-file=" + s.layout.certificate(component),
		"--tls-private-key-file=" + s.layout.key(component),
		"--client-ca-file=" + s.layout.certificate("ca"),
		"--requestheader-client-ca-file=" + s.layout.certificate("front-proxy-ca"),
		"--kubeconfig=" + s.layout.kubeconfig(user),
		"--authentication-kubeconfig=" + s.layout.kubeconfig(user),
		"--authorization-kubeconfig=" + s.layout.kubeconfig(user),
		"--leader-elect=false",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}

// writeAuditPolicy asks for one line a request, when it is answered: who did
// what to which object, without contents. Requests for no object (health,
// discovery) are left out.
func writeAuditPolicy(l layout) error {
	type object = map[string]any
	content, err := json.Marshal(object{
		"apiVersion": "audit.k8s.io/v1",
		"kind":       "Policy",
		"omitStages": []string{"RequestReceived", "ResponseStarted"},
		"rules": []object{
			{"level": "None", "nonResourceURLs": []string{"*"}},
			{"level": "Metadata"},
		},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(l.auditPolicy(), content, 0o644)
}
