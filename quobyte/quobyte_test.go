package quobyte

import (
	"bytes"
	"math/rand"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

func newService(t testing.TB, s Settings) *Service {
	t.Helper()
	service, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// printable draws what a shell could stumble over, without NUL (no environment can hold it).
func printable() *rapid.Generator[string] {
	return rapid.StringOf(rapid.RuneFrom([]rune("aZ0 '\"\\$`;&|<>(){}[]*?~#!\n\t=%-ä\u2028")))
}

func TestNoValueEscapesItsQuotes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := printable().Draw(t, "value")
		line := exportLine([]offers.Var{{Name: "A", Value: value}, {Name: "B", Value: "b"}}, `printf '%s/%s' "$A" "$B"`)
		got, err := exec.Command("/bin/sh", "-c", line).CombinedOutput()
		if err != nil || string(got) != value+"/b" {
			t.Fatalf("the shell made %q of %q (line %s), error %v", got, value, line, err)
		}
	})
}

// What a host gives is what the settings say, divided between task and executor; an executor's part is no less than Mesos
// wants.
func TestPodsGetTheirResources(t *testing.T) {
	s := dockerSettings()
	s.S3Hostname, s.ClientMountPoint, s.ClientImage = "s3", "/q", "client"
	service := newService(t, s)
	offer := offers.Offer{ID: "O", AgentID: "S", Role: "r", Site: offers.Site{Host: "h"},
		Free: offers.Quantities{CPUs: 64000, Mem: 1e9, Disk: 1e9, Ports: []offers.Range{{Begin: 1, End: 65535}}}}
	cluster := machine.Cluster{Pods: []machine.Pod{{Name: "registry-0", Type: Registry, Host: "h", Task: &machine.PodTask{Address: "10.0.0.1"}}}}
	for _, kind := range podTypes {
		pod := machine.Pod{Name: kind.name + "-0", Type: kind.name, Host: "h"}
		need := service.Requirement(pod)
		if need.Host != "" || need.Subject != pod.Name || need.PodType != kind.name {
			t.Errorf("%s: a free pod's requirement is of %q, a %q, bound to %q", kind.name, need.Subject, need.PodType, need.Host)
		}
		if err := need.Validate(); err != nil {
			t.Errorf("%s: %v", kind.name, err)
		}
		placed := offers.Place(offers.Round{Requirements: []offers.Requirement{need}, Offers: []offers.Offer{offer}})[0].Placement
		if placed == nil {
			t.Fatalf("%s does not fit a large host", kind.name)
		}
		task, err := service.Task(pod, machine.Place{Host: "h"}, cluster)
		if err != nil {
			t.Fatal(err)
		}
		launched := placed.Launch(task).Tasks[0]
		sum := launched.Resources.Quantities()
		if e := launched.Executor; e != nil {
			part := e.Resources.Quantities()
			if part.CPUs < 10 || part.Mem < 32000 || part.Disk == 0 {
				t.Errorf("%s: the executor has %s", kind.name, part)
			}
			sum = sum.Add(part)
		}
		want := s.resources(kind)
		for _, p := range need.Ports {
			if !p.Unmanaged {
				want.Ports = append(want.Ports, offers.Range{Begin: p.Number, End: p.Number})
			}
		}
		want.Ports = offers.Normalize(want.Ports)
		if !sum.Equal(want) {
			t.Errorf("%s: task and executor have %s, want %s", kind.name, sum, want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	all := []string{Prober, Registry, Metadata, Data, API, Webconsole, S3, Client}
	servers := []string{Registry, Metadata, Data, API, Webconsole, S3}
	tests := map[string]struct {
		change func(*Settings)
		want   []string // the types that change
	}{
		"nothing":                      {func(*Settings) {}, nil},
		"framework url":                {func(s *Settings) { s.FrameworkURL = "http://elsewhere:1" }, nil},
		"expect":                       {func(s *Settings) { s.Expect = map[string]int{Registry: 5} }, nil},
		"hosts":                        {func(s *Settings) { s.RestrictHosts = []string{"a", "b", "c"} }, nil},
		"default in full":              {func(s *Settings) { delete(s.Resources, Data); delete(s.ExtraRAM, Registry) }, nil},
		"release":                      {func(s *Settings) { s.Release = "1.5" }, append(slices.Clone(servers), Client)},
		"client's own tag and release": {func(s *Settings) { s.ClientImage += ":1.4.9" }, []string{Client}}, // its label goes
		"data resources":               {func(s *Settings) { s.Resources[Data] = amounts(1, 1, 1) }, []string{Data}},
		"registry heap":                {func(s *Settings) { s.ExtraRAM[Registry] = 600 }, []string{Registry}},
		"api port":                     {func(s *Settings) { s.APIPort = 9000 }, []string{API}},
		"port range":                   {func(s *Settings) { s.PortRangeBase = 22000 }, servers},
		"dns name":                     {func(s *Settings) { s.RegistryDNSName = "r" }, append(slices.Clone(servers), Client)},
		"device directory":             {func(s *Settings) { s.HostDeviceDirectory = "/srv/{host}" }, append([]string{Prober}, servers...)},
		"mount point":                  {func(s *Settings) { s.ClientMountPoint = "/r" }, []string{Prober, Client}},
		"interval":                     {func(s *Settings) { s.ProbeInterval *= 2 }, []string{Prober}},
		"user":                         {func(s *Settings) { s.User = "nobody" }, all},
	}
	base := func() Settings {
		s := dockerSettings()
		s.S3Hostname, s.ClientMountPoint, s.ClientImage = "s3", "/q", "client"
		return s
	}
	before := newService(t, base())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := base()
			test.change(&s)
			after := newService(t, s)
			var got []string
			for _, kind := range all {
				if before.Fingerprint(kind) != after.Fingerprint(kind) {
					got = append(got, kind)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("changed fingerprints (-want +got):\n%s", diff)
			}
		})
	}
}

// Fingerprints are compared with those in the records of earlier versions: if this test fails, an upgrade of the framework
// would restart every data pod.
func TestFingerprintIsTheSameInEveryVersion(t *testing.T) {
	const want = "b01e461d59cfd73d66eb3a8ac662bfb006ea48cbdc000b6fa54980af078dc4fb"
	if got := newService(t, dockerSettings()).Fingerprint(Data); got != want {
		t.Errorf("fingerprint is %s, was %s", got, want)
	}
}

func TestAdmit(t *testing.T) {
	s := dockerSettings()
	s.Expect = nil
	open := newService(t, s)
	s.RestrictHosts = []string{"10.0.0.1", "node7"}
	service := newService(t, s)
	for _, test := range []struct {
		host machine.Host
		want bool
	}{
		{machine.Host{Key: "10.0.0.1"}, true},
		{machine.Host{Key: "10.0.0.10"}, false}, // the predecessor let it in: it looked for a substring
		{machine.Host{Key: "rack1", Hostname: "node7"}, true},
		{machine.Host{Key: ""}, false},
	} {
		hold := service.Admit(test.host)
		if (hold == nil) != test.want || hold != nil && hold.Code != plans.CodeExcluded {
			t.Errorf("host %+v: hold %+v", test.host, hold)
		}
		if open.Admit(test.host) != nil {
			t.Errorf("host %+v is held without a restriction", test.host)
		}
	}
}

func TestReportsAreReadAsTheyWereSent(t *testing.T) {
	service := newService(t, dockerSettings())
	report := Report{
		Seq:    7,
		Facts:  Facts{Devices: []FoundDevice{{Path: "/mnt/b"}, {Path: "/mnt/a", Types: []string{Registry, Data}, Serial: "1"}}, ClientMountPoint: true},
		Health: []PodHealth{{TaskID: "registry-0__1", Text: "no"}, {TaskID: "data-0__2", Healthy: true}},
		Heard:  HeardDigest([]byte("x")),
	}
	got, err := service.Read(report.Encode())
	if err != nil {
		t.Fatal(err)
	}
	want := machine.Report{
		Seq:   7,
		Facts: []byte(`{"devices":[{"path":"/mnt/a","serial":"1","types":["data","registry"]},{"path":"/mnt/b"}],"client_mount_point":true}`),
		Pods:  []machine.Health{{TaskID: "registry-0__1", Text: "no"}, {TaskID: "data-0__2", Healthy: true}},
		Heard: "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	service := newService(t, dockerSettings())
	for name, data := range map[string][]byte{
		"nothing":   nil,
		"no JSON":   []byte("{"),
		"no number": []byte("{}"),
		"too much":  bytes.Repeat([]byte(" "), maxDocument+1),
	} {
		if r, err := service.Read(data); err == nil {
			t.Errorf("%s: read as %+v", name, r)
		} else if !strings.HasPrefix(err.Error(), "prober report: ") {
			t.Errorf("%s: error %q", name, err)
		}
	}
}

func TestEqualFactsAreEqualBytes(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "a", "b", "c"})
	devices := rapid.SliceOf(rapid.Custom(func(t *rapid.T) FoundDevice {
		return FoundDevice{
			Path: text.Draw(t, "path"), Serial: text.Draw(t, "serial"), Bootstrap: rapid.Bool().Draw(t, "bootstrap"),
			Types: rapid.SliceOf(text).Draw(t, "types"), Problems: rapid.SliceOf(text).Draw(t, "problems"),
		}
	}))
	rapid.Check(t, func(t *rapid.T) {
		facts := Facts{Devices: devices.Draw(t, "devices")}
		encoded := facts.Encode()
		shuffled := Facts{Devices: slices.Clone(facts.Devices)}
		shuffle := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		shuffle.Shuffle(len(shuffled.Devices), func(i, j int) {
			shuffled.Devices[i], shuffled.Devices[j] = shuffled.Devices[j], shuffled.Devices[i]
		})
		if !bytes.Equal(shuffled.Encode(), encoded) {
			t.Fatalf("in another order\n%s\nbecame\n%s", encoded, shuffled.Encode())
		}
		again, err := DecodeFacts(encoded)
		if err != nil || !bytes.Equal(again.Encode(), encoded) {
			t.Fatalf("decoded and encoded again\n%s\nbecame\n%s\n(%v)", encoded, again.Encode(), err)
		}
	})
}

func TestSurveyLooksOnlyAtWhatWasReported(t *testing.T) {
	survey := newService(t, dockerSettings()).Survey([]machine.Host{{Key: "silent"}, {Key: "odd", Facts: []byte("?")}})
	if len(survey.Warnings) != 1 || survey.Warnings[0].Subject != "odd" {
		t.Errorf("warnings %+v", survey.Warnings)
	}
	if want := []machine.Wanted{{Type: API}, {Type: Webconsole}}; !slices.Equal(survey.Pods, want) {
		t.Errorf("wanted %+v", survey.Pods)
	}
}

func FuzzRead(f *testing.F) {
	service := newService(f, dockerSettings())
	f.Add(Report{Seq: 1, Facts: Facts{Devices: []FoundDevice{{Path: "/mnt/a", Types: []string{Data}}}}}.Encode())
	f.Add([]byte(`{"seq":1,"facts":{"devices":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := service.Read(data)
		if err != nil {
			return
		}
		if _, err := DecodeFacts(r.Facts); err != nil {
			t.Fatalf("facts that were accepted can't be decoded: %v", err)
		}
		service.Survey([]machine.Host{{Key: "h", Facts: r.Facts}})
	})
}

func FuzzDecodeWatchlist(f *testing.F) {
	f.Add([]byte(`{"pods":[{"task_id":"a","type":"data","url":"http://10.0.0.1:1/"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := DecodeWatchlist(data)
		if err != nil {
			return
		}
		again, err := DecodeWatchlist(encode(list))
		if err != nil || !cmp.Equal(again, list) {
			t.Fatalf("%+v becomes %+v, error %v", list, again, err)
		}
	})
}
