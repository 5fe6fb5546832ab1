package zookeeper

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddresses(t *testing.T) {
	for text, want := range map[string]Address{
		"zk://h1":                           {Servers: []string{"h1:2181"}},
		"zk://h1/":                          {Servers: []string{"h1:2181"}},
		"zk://h1,h2:2182,[::1]:7/mesos/q":   {Servers: []string{"h1:2181", "h2:2182", "[::1]:7"}, Path: "/mesos/q"},
		"h1,h2/quobyte":                     {Servers: []string{"h1:2181", "h2:2181"}, Path: "/quobyte"},
		"h1:2181":                           {Servers: []string{"h1:2181"}},
		"zk://ann:secret@h1/quobyte/":       {Servers: []string{"h1:2181"}, Path: "/quobyte", User: "ann", Password: "secret"},
		"ann:s@:,t@h1,h2:9/quobyte":         {Servers: []string{"h1:2181", "h2:9"}, Path: "/quobyte", User: "ann", Password: "s@:,t"},
		"zk://master.mesos:2181/a.b/..c/d-": {Servers: []string{"master.mesos:2181"}, Path: "/a.b/..c/d-"},
		"zk://::1/q":                        {Servers: []string{"[::1]:2181"}, Path: "/q"},
	} {
		got, err := ParseAddress(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
		again, err := ParseAddress(strings.Replace(got.String(), "***", got.Password, 1))
		if diff := cmp.Diff(got, again); diff != "" || err != nil {
			t.Errorf("%s: %s is another address: %v\n%s", text, got, err, diff)
		}
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "servers: one is empty",
		"zk://":                   "servers: one is empty",
		"zk:///q":                 "servers: one is empty",
		"zk://h1,,h2/q":           "servers: one is empty",
		"http://h1/q":             `scheme "http": must be zk://`,
		"zk://ann@h1/q":           "credentials: must be user:password",
		"zk://:x@h1/q":            "credentials: must be user:password",
		"zk://h1:0/q":             `server "h1:0": "0" is not a port number`,
		"zk://h1:x/q":             `server "h1:x": "x" is not a port number`,
		"zk://h 1/q":              `server "h 1": must be host or host:port`,
		"zk://h1//q":              `path "//q": has an empty name`,
		"zk://h1/q/../r":          `path "/q/../r": has an empty name, or . or .., in it`,
		"zk://h1/a b":             `path "/a b": has a blank`,
		"zk://h1/zookeeper/quota": "is ZooKeeper's own",
		"zk://h1:x,h2:y/a//b":     `path "/a//b"`,
	} {
		a, err := ParseAddress(text)
		if err == nil {
			t.Errorf("%s: is taken for %v", text, a)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
	if _, err := ParseAddress("zk://ann:secret@h:x/q"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is told: %v", err)
	}
}

func TestThePasswordIsNotShown(t *testing.T) {
	a, err := ParseAddress("zk://ann:secret@h1,h2/q")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.At("quobyte").String(); got != "zk://ann:***@h1:2181,h2:2181/q/quobyte" {
		t.Error(got)
	}
}
