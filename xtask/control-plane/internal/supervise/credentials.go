package supervise

import (
	"encoding/json"
	"fmt"
	"net"
	"os"

	"ack-virtual-node/control-plane/internal/pki"
)

// The identities that other parts know the components by. Each has only the
// rights that RBAC gives it; `admin` alone is above RBAC.
const (
	adminUser             = "kubernetes-admin"
	adminGroup            = "system:masters"
	controllerManagerUser = "system:kube-controller-manager"
	schedulerUser         = "system:kube-scheduler"
	kubeletClientUser     = "kube-apiserver-kubelet-client"
	frontProxyUser        = "front-proxy-client"
)

// writeCredentials makes every certificate and key of one control plane:
//
//	ca             clients of the API server and its serving certificate, CSRs
//	etcd-ca        nobody but the API server talks to etcd
//	front-proxy-ca aggregated API servers believe the API server's headers
//	sa             service-account tokens
func writeCredentials(l layout) error {
	ca, err := pki.NewAuthority("kubernetes")
	if err != nil {
		return err
	}
	etcdCA, err := pki.NewAuthority("etcd-ca")
	if err != nil {
		return err
	}
	frontProxyCA, err := pki.NewAuthority("front-proxy-ca")
	if err != nil {
		return err
	}
	signingKey, err := pki.SigningKey()
	if err != nil {
		return err
	}
	known := map[string]pki.Pair{
		"ca": ca.Pair, "etcd-ca": etcdCA.Pair, "front-proxy-ca": frontProxyCA.Pair, "sa": signingKey,
	}
	issued := []struct {
		name  string
		issue func() (pki.Pair, error)
	}{
		{"apiserver", func() (pki.Pair, error) { return ca.Server("kube-apiserver", []net.IP{serviceIP}, serviceNames...) }},
		{controllerManager, func() (pki.Pair, error) { return ca.Server(controllerManager, nil) }},
		{scheduler, func() (pki.Pair, error) { return ca.Server(scheduler, nil) }},
		{"etcd-server", func() (pki.Pair, error) { return etcdCA.Server("etcd", nil) }},
		{"etcd-client", func() (pki.Pair, error) { return etcdCA.Client("kube-apiserver-etcd-client") }},
		{"kubelet-client", func() (pki.Pair, error) { return ca.Client(kubeletClientUser) }},
		{"front-proxy-client", func() (pki.Pair, error) { return frontProxyCA.Client(frontProxyUser) }},
		{"admin", func() (pki.Pair, error) { return ca.Client(adminUser, adminGroup) }},
		{"controller-manager-client", func() (pki.Pair, error) { return ca.Client(controllerManagerUser) }},
		{"scheduler-client", func() (pki.Pair, error) { return ca.Client(schedulerUser) }},
	}
	for _, each := range issued {
		pair, err := each.issue()
		if err != nil {
			return err
		}
		known[each.name] = pair
	}
	for name, pair := range known {
		if err := pair.Write(l.certificate(name), l.key(name)); err != nil {
			return fmt.Errorf("storing credential %q: %w", name, err)
		}
	}
	return nil
}

// writeKubeconfigs writes one kubeconfig for each identity that uses one, with
// everything inside, so that the file can be copied.
func writeKubeconfigs(l layout, server string) error {
	credentials := map[string]string{
		"admin":              "admin",
		"controller-manager": "controller-manager-client",
		"scheduler":          "scheduler-client",
	}
	for user, credential := range credentials {
		content, err := kubeconfig(l, server, credential)
		if err != nil {
			return fmt.Errorf("making the kubeconfig of %q: %w", user, err)
		}
		if err := os.WriteFile(l.kubeconfig(user), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// kubeconfig is written as JSON, which every reader of kubeconfigs takes: they
// read YAML.
func kubeconfig(l layout, server, credential string) ([]byte, error) {
	var files [3][]byte
	for i, path := range []string{l.certificate("ca"), l.certificate(credential), l.key(credential)} {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files[i] = content
	}
	const name = "ack-virtual-node"
	type object = map[string]any
	return json.MarshalIndent(object{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": name,
		"clusters": []object{{"name": name, "cluster": object{
			"server": server, "certificate-authority-data": files[0],
		}}},
		"users": []object{{"name": credential, "user": object{
			"client-certificate-data": files[1], "client-key-data": files[2],
		}}},
		"contexts": []object{{"name": name, "context": object{"cluster": name, "user": credential}}},
	}, "", "  ")
}
