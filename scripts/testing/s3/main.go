// An S3 server for tests: Versity's gateway on a folder, for one account, on loopback.
//
//	s3-server FOLDER PORT
//
// The account's keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Each folder in FOLDER/buckets is a bucket; what
// is stored outlives the server, but not the machine.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

const region = "us-east-1"

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: s3-server FOLDER PORT"))
	}
	fail(serve(os.Args[1], net.JoinHostPort("127.0.0.1", os.Args[2])))
}

// serve returns when the server has stopped.
func serve(folder, address string) error {
	access, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	backend, err := open(filepath.Join(folder, "buckets"), filepath.Join(folder, "meta"))
	if err != nil {
		return err
	}
	server, err := s3api.New(
		backend,
		middlewares.RootUserConfig{Access: access, Secret: secret},
		region,
		auth.NewIAMServiceSingle(auth.Account{Access: access, Secret: secret, Role: auth.RoleAdmin}),
		nil, nil, nil, nil,
		s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithConcurrencyLimiter(1000, 1000),
	)
	if err != nil {
		return err
	}
	return server.ServeMultiPort([]string{address})
}

// open keeps checksums and the like in extended attributes, which an object gets together with its name, and beside the
// buckets where the file system has none: killed at the wrong moment it may then take an object for there that is not.
func open(buckets, sidecar string) (*posix.Posix, error) {
	if err := os.MkdirAll(buckets, 0o700); err != nil {
		return nil, err
	}
	if attributes := (meta.XattrMeta{}); attributes.Test(buckets) == nil {
		return posix.New(buckets, attributes, posix.PosixOpts{})
	}
	if err := os.MkdirAll(sidecar, 0o700); err != nil {
		return nil, err
	}
	store, err := meta.NewSideCar(sidecar)
	if err != nil {
		return nil, err
	}
	return posix.New(buckets, store, posix.PosixOpts{SideCarDir: sidecar})
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "s3-server:", err)
		os.Exit(1)
	}
}
