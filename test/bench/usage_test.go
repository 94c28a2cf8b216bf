package main

import (
	"net"
	"os"
	"testing"
	"time"
)

// What the kernel says of this very process.
func TestUsage(t *testing.T) {
	pid := os.Getpid()
	before, err := cpuTime(pid)
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < 30*time.Millisecond; {
	}
	after, err := cpuTime(pid)
	if err != nil {
		t.Fatal(err)
	}
	if after <= before {
		t.Errorf("30 ms of work took from %s to %s of CPU", before, after)
	}
	m, err := memoryOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	if m.Total < 1 || m.Anonymous <= 0 || m.Anonymous > m.Total || m.Peak < m.Total {
		t.Errorf("memory %+v", m)
	}
	if _, err := cpuTime(1 << 27); err == nil {
		t.Error("a process that is not there has CPU time")
	}
}

func TestTraffic(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	exchange := func(from, to net.Conn, bytes int) {
		if _, err := from.Write(make([]byte, bytes)); err != nil {
			t.Fatal(err)
		}
		for buffer := make([]byte, bytes); bytes > 0; {
			n, err := to.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			bytes -= n
		}
	}
	exchange(client, server, 100)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	counting := countTraffic(os.Getpid(), port)
	exchange(client, server, 4000)
	exchange(server, client, 3000)
	time.Sleep(50 * time.Millisecond) // the acknowledgement is on its way
	have := counting.stop()
	if have == nil {
		t.Skip("not allowed to look at descriptors:", counting.err)
	}
	if *have != [2]uint64{3000, 4000} {
		t.Errorf("3000 bytes in and 4000 out count as %v", *have)
	}
}
