package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd is a single-member etcd. It never syncs to disk: its data dies with
// the test that started it, and waiting for the disk would only slow writes.
func runEtcd() int {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	dir := flags.String("data-dir", "", "where the data goes")
	client := flags.String("client-url", "http://127.0.0.1:2379", "where clients connect")
	peer := flags.String("peer-url", "http://127.0.0.1:2380", "where other members would connect")
	_ = flags.Parse(os.Args[1:])

	config := embed.NewConfig()
	config.Dir = *dir
	config.LogLevel = "warn"
	config.LogOutputs = []string{"stderr"}
	config.UnsafeNoFsync = true
	// Unset, it means that each request is slow and worth a warning.
	config.WarningUnaryRequestDuration = time.Second
	config.QuotaBackendBytes = 4 << 30
	for _, listen := range []struct {
		from string
		to   []*[]url.URL
	}{
		{*client, []*[]url.URL{&config.ListenClientUrls, &config.AdvertiseClientUrls}},
		{*peer, []*[]url.URL{&config.ListenPeerUrls, &config.AdvertisePeerUrls}},
	} {
		u, err := url.Parse(listen.from)
		if err != nil {
			return failed(err)
		}
		for _, to := range listen.to {
			*to = []url.URL{*u}
		}
	}
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	server, err := embed.StartEtcd(config)
	if err != nil {
		return failed(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(30 * time.Second):
		return failed(fmt.Errorf("not ready after 30 seconds"))
	}
	select {
	case <-stop:
	case err := <-server.Err():
		return failed(err)
	}
	server.Close()
	return 0
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "etcd:", err)
	return 1
}
