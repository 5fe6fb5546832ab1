package prober

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/quobyte"
)

// host is a host's file system in a temporary directory.
type host struct {
	t      *testing.T
	root   string
	mounts string // lines of /proc/mounts
}

func newHost(t *testing.T) *host {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, root: root}
	h.dir("mnt")
	return h
}

func (h *host) path(name string) string { return filepath.Join(h.root, name) }

func (h *host) dir(name string) {
	h.t.Helper()
	if err := os.MkdirAll(h.path(name), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) file(name string, lines ...string) {
	h.t.Helper()
	h.dir(filepath.Dir(name))
	if err := os.WriteFile(h.path(name), []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) mount(name, fs string) {
	h.t.Helper()
	h.dir(name)
	escaped := strings.NewReplacer(`\`, `\134`, " ", `\040`, "\t", `\011`).Replace(h.path(name))
	h.mounts += "/dev/sdx " + escaped + " " + fs + " rw,relatime 0 0\n"
}

func (h *host) scanner() scanner {
	h.file("proc-mounts", "proc /proc proc rw 0 0", h.mounts)
	return scanner{deviceDir: h.path("mnt"), mountPoint: h.path("quobyte"), procMounts: h.path("proc-mounts")}
}

// scan returns the facts with the temporary directory left out of all paths.
func (h *host) scan() quobyte.Facts {
	return h.strip(h.scanner().scan())
}

func (h *host) strip(f quobyte.Facts) quobyte.Facts {
	h.t.Helper()
	f, err := quobyte.DecodeFacts(bytes.ReplaceAll(f.Encode(), []byte(h.root), nil))
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

func TestScan(t *testing.T) {
	const setup = "/" + quobyte.SetupFile
	tests := map[string]struct {
		prepare func(h *host)
		want    quobyte.Facts
	}{
		"nothing": {func(*host) {}, quobyte.Facts{}},
		"plain directories": {func(h *host) {
			h.file("mnt/a"+setup, "device.serial=1", "device.bootstrap=true", "device.type=DIR_DEVICE")
			h.file("mnt/a/"+idFile, "# by Quobyte", "device.id=17", "device.other=x")
			h.dir("mnt/b/quobyte-metadata")
			h.dir("mnt/b/quobyte-data")
			h.dir("mnt/c/something")
			h.file("mnt/file", "x")
			h.file("mnt/d/e"+setup, "device.serial=9") // two levels below
			h.file("mnt/f"+setup, "device.serial=2")
		}, quobyte.Facts{Devices: []quobyte.FoundDevice{
			{Path: "/mnt/a", Serial: "1", Types: []string{quobyte.Registry}, Bootstrap: true, ID: "17"},
			{Path: "/mnt/b", Types: []string{quobyte.Data, quobyte.Metadata}},
			{Path: "/mnt/f", Serial: "2"},
		}}},
		"mounts": {func(h *host) {
			h.mount("mnt/disk one", "xfs")
			h.file("mnt/disk one"+setup, "device.serial=1", "device.type=DATA_DEVICE")
			h.dir("mnt/disk one/quobyte-data")
			h.mount("mnt/rack/deep", "ext4")
			h.file("mnt/rack/deep"+setup, "device.serial=2", "device.type=METADATA_DEVICE")
			h.mount("mnt/nfs/deep", "nfs")
			h.file("mnt/nfs/deep"+setup, "device.serial=3")
			h.mount("mnt/empty", "xfs")
			h.mount("mntx/other", "xfs")
			h.file("mntx/other"+setup, "device.serial=4")
		}, quobyte.Facts{Devices: []quobyte.FoundDevice{
			{Path: "/mnt/disk one", FS: "xfs", Serial: "1", Types: []string{quobyte.Data}},
			{Path: "/mnt/rack/deep", FS: "ext4", Serial: "2", Types: []string{quobyte.Metadata}},
		}}},
		"a mount over a mount": {func(h *host) {
			h.mount("mnt/a/b", "xfs")
			h.mount("mnt/a/b", "nfs")
			h.file("mnt/a/b"+setup, "device.serial=1")
		}, quobyte.Facts{}},
		"the device directory is a mount": {func(h *host) {
			h.mount("mnt", "ext4")
			h.file("mnt"+setup, "device.serial=1")
		}, quobyte.Facts{Devices: []quobyte.FoundDevice{{Path: "/mnt", FS: "ext4", Serial: "1"}}}},
		"the device directory is a link": {func(h *host) {
			h.dir("srv")
			if err := os.Remove(h.path("mnt")); err != nil {
				h.t.Fatal(err)
			}
			if err := os.Symlink(h.path("srv"), h.path("mnt")); err != nil {
				h.t.Fatal(err)
			}
			h.mount("srv/a/b", "xfs")
			h.file("srv/a/b"+setup, "device.serial=1")
		}, quobyte.Facts{Devices: []quobyte.FoundDevice{{Path: "/mnt/a/b", FS: "xfs", Serial: "1"}}}},
		"bad files": {func(h *host) {
			h.file("mnt/a"+setup, "device.serial=1", "device.type=FOO_DEVICE", "device.bootstrap=maybe")
			h.dir("mnt/b" + setup)
			h.dir("mnt/b/quobyte-dir")
			h.file("mnt/c"+setup, strings.Repeat("#\n", 40_000))
			h.dir("mnt/d")
			if err := syscall.Mkfifo(h.path("mnt/d"+setup), 0o644); err != nil {
				h.t.Fatal(err)
			}
			h.dir("mnt/e")
			if err := os.Symlink("/etc/passwd", h.path("mnt/e"+setup)); err != nil {
				h.t.Fatal(err)
			}
			h.file("mnt/f"+setup, strings.Repeat("x\n", 10))
			h.file("mnt/g"+setup, "device.serial=7")
			h.dir("mnt/g/" + idFile)
			h.file("mnt/h"+setup, strings.Repeat("ä", 400))
		}, quobyte.Facts{Devices: []quobyte.FoundDevice{
			{Path: "/mnt/a", Serial: "1", Problems: []string{
				`QUOBYTE_DEV_SETUP: line 2: device.type: "FOO_DEVICE" is unknown; use DIR_DEVICE, METADATA_DEVICE or DATA_DEVICE`,
				`QUOBYTE_DEV_SETUP: line 3: device.bootstrap: "maybe" is neither true nor false`,
			}},
			{Path: "/mnt/b", Types: []string{quobyte.Registry}, Problems: []string{"QUOBYTE_DEV_SETUP: is no regular file"}},
			{Path: "/mnt/c", Problems: []string{"QUOBYTE_DEV_SETUP: file is longer than 65536 bytes"}},
			{Path: "/mnt/d", Problems: []string{"QUOBYTE_DEV_SETUP: is no regular file"}},
			{Path: "/mnt/e", Problems: []string{"QUOBYTE_DEV_SETUP: is no regular file"}},
			{Path: "/mnt/f", Problems: []string{
				`QUOBYTE_DEV_SETUP: line 1: "x" has no '='; use key=value`,
				`QUOBYTE_DEV_SETUP: line 2: "x" has no '='; use key=value`,
				`QUOBYTE_DEV_SETUP: line 3: "x" has no '='; use key=value`,
				`QUOBYTE_DEV_SETUP: line 4: "x" has no '='; use key=value`,
				`QUOBYTE_DEV_SETUP: line 5: "x" has no '='; use key=value`,
				`QUOBYTE_DEV_SETUP: line 6: "x" has no '='; use key=value`,
				`QUOBYTE_DEV_SETUP: line 7: "x" has no '='; use key=value`,
				`more problems follow`,
			}},
			{Path: "/mnt/g", Serial: "7", Problems: []string{"QUOBYTE_DEV_ID: is no regular file"}},
			{Path: "/mnt/h", Problems: []string{
				`QUOBYTE_DEV_SETUP: device.serial: is missing; every device needs its own`,
				`QUOBYTE_DEV_SETUP: line 1: "` + strings.Repeat("ä", 136),
			}},
		}}},
		"a link is no device": {func(h *host) {
			h.file("elsewhere"+setup, "device.serial=1")
			if err := os.Symlink(h.path("elsewhere"), h.path("mnt/link")); err != nil {
				h.t.Fatal(err)
			}
		}, quobyte.Facts{}},
		"no device directory": {func(h *host) {
			if err := os.Remove(h.path("mnt")); err != nil {
				h.t.Fatal(err)
			}
		}, quobyte.Facts{Problems: []string{"device directory /mnt: no such file or directory"}}},
		"client mount point":           {func(h *host) { h.dir("quobyte") }, quobyte.Facts{ClientMountPoint: true}},
		"client mount point is a file": {func(h *host) { h.file("quobyte", "x") }, quobyte.Facts{}},
		"client mount point is mounted": {func(h *host) {
			h.mount("quobyte", "fuse.quobyte")
			if err := os.Remove(h.path("quobyte")); err != nil { // it must not be touched
				h.t.Fatal(err)
			}
		}, quobyte.Facts{ClientMountPoint: true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			test.prepare(h)
			if test.want.Devices == nil {
				test.want.Devices = []quobyte.FoundDevice{}
			}
			if diff := cmp.Diff(test.want, h.scan()); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScanWithoutListOfMounts(t *testing.T) {
	h := newHost(t)
	h.file("mnt/a/"+quobyte.SetupFile, "device.serial=1")
	s := h.scanner()
	s.procMounts = h.path("nowhere")
	want := quobyte.Facts{
		Devices:  []quobyte.FoundDevice{{Path: "/mnt/a", Serial: "1"}},
		Problems: []string{"/nowhere: no such file or directory"},
	}
	if diff := cmp.Diff(want, h.strip(s.scan())); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestScanReadsTheKernelsOwnList(t *testing.T) {
	s := scanner{procMounts: "/proc/mounts"}
	mounts, err := s.mounts()
	if err != nil || len(mounts) == 0 {
		t.Fatalf("%d mounts, error %v", len(mounts), err)
	}
	for _, m := range mounts {
		if !filepath.IsAbs(m.path) || m.fs == "" {
			t.Errorf("mount %+v", m)
		}
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add([]byte("/dev/sda1 /mnt/a\\040b ext4 rw 0 0\n"))
	f.Add([]byte("x \\ \\04 \\400\\777"))
	f.Fuzz(func(t *testing.T, text []byte) {
		mounts, err := parseMounts(bytes.NewReader(text))
		if err == nil && len(mounts) > bytes.Count(text, []byte("\n"))+1 {
			t.Errorf("%d mounts from %q", len(mounts), text)
		}
	})
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		`/mnt/a`: "/mnt/a", `/mnt/a\040b`: "/mnt/a b", `\134040`: `\040`, `a\011\012`: "a\t\n", `\04`: `\04`, `\400`: `\400`, `\08x`: `\08x`, `x\`: `x\`,
		`\303\244`: "ä",
	} {
		if got := unescape(text); got != want {
			t.Errorf("unescape(%q) = %q, want %q", text, got, want)
		}
	}
}
