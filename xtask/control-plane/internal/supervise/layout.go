package supervise

import (
	"os"
	"path/filepath"
)

// layout knows where things are in the folder of one control plane.
type layout string

func (l layout) path(parts ...string) string {
	return filepath.Join(append([]string{string(l)}, parts...)...)
}

func (l layout) certificate(name string) string { return l.path("pki", name+".crt") }
func (l layout) key(name string) string         { return l.path("pki", name+".key") }
func (l layout) log(component string) string    { return l.path("logs", component+".log") }
func (l layout) kubeconfig(user string) string  { return l.path(user + ".kubeconfig") }
func (l layout) data() string                   { return l.path("etcd") }
func (l layout) auditLog() string               { return l.path("audit.log") }
func (l layout) auditPolicy() string            { return l.path("audit-policy.json") }
func (l layout) socket() string                 { return l.path("control.sock") }
func (l layout) description() string            { return l.path("env.json") }
func (l layout) kubectl() string                { return l.path("bin", "kubectl") }

// create makes the folders and a `kubectl` to put on a PATH. The folder holds
// keys to the whole cluster, so only its owner may look inside.
func (l layout) create(program string) error {
	for _, folder := range []string{string(l), l.path("pki"), l.path("logs"), l.path("bin")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	return os.Symlink(program, l.kubectl())
}
