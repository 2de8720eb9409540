package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

// runEtcd is etcd's own command line; it ends the process itself.
func runEtcd() int {
	etcdmain.Main(os.Args)
	return 0
}
