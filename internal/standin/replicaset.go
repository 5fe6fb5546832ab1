package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
)

const (
	replicaSetFileName = "QUOBYTE_REPLICA_SET"
	replicaSetFormat   = 1
	maxReplicaSetFile  = 1 << 20 // bytes
)

// member is one registry of a replica set.
type member struct {
	ID       string `json:"id"`        // serial number of its device; survives restarts and changes of address
	DeviceID uint64 `json:"device_id"` // as in the JSON-RPC API
	Address  string `json:"address"`   // rpc host:port
}

// replicaSet is the list of the registries whose majority must be up, sorted by id. It is a value: changes make a new
// one with the next version.
type replicaSet struct {
	Format  int      `json:"format"`
	Cluster string   `json:"cluster"` // made by the bootstrap registry; sets of different clusters never mix
	Version int      `json:"version"` // counts the changes, from 1
	Members []member `json:"members"`
}

// bootstrapSet is the set of one that a bootstrap device starts with.
func bootstrapSet(m member) replicaSet {
	return replicaSet{Format: replicaSetFormat, Cluster: serviceUUID("cluster", m.ID), Version: 1, Members: []member{m}}
}

func (s replicaSet) empty() bool { return len(s.Members) == 0 }

func (s replicaSet) member(id string) (member, bool) {
	i := slices.IndexFunc(s.Members, func(m member) bool { return m.ID == id })
	if i < 0 {
		return member{}, false
	}
	return s.Members[i], true
}

// with returns the set with m added or, when its id is known, changed. A set that says so already is returned as it is.
func (s replicaSet) with(m member) replicaSet {
	if known, found := s.member(m.ID); found && known == m {
		return s
	}
	next := s
	next.Version++
	next.Members = slices.DeleteFunc(slices.Clone(s.Members), func(old member) bool { return old.ID == m.ID })
	next.Members = append(next.Members, m)
	sort.Slice(next.Members, func(i, j int) bool { return next.Members[i].ID < next.Members[j].ID })
	return next
}

// supersedes is a total order on the sets of one cluster, so that all members settle on the same one. Equal versions
// with different members come from a primary that died before it could tell anyone; who drops out joins again.
func (s replicaSet) supersedes(other replicaSet) bool {
	switch {
	case other.empty():
		return !s.empty()
	case s.Cluster != other.Cluster:
		return false
	case s.Version != other.Version:
		return s.Version > other.Version
	}
	return bytes.Compare(s.encode(), other.encode()) > 0
}

func (s replicaSet) addresses() []string {
	list := make([]string, 0, len(s.Members))
	for _, m := range s.Members {
		list = append(list, m.Address)
	}
	return list
}

// standing is what follows from a replica set and the members that are up.
type standing struct {
	up      int
	healthy bool
	primary string // id; "" without a majority
	reason  string // why it is not healthy
}

// standing judges the set. The primary is the live member with the lowest id: no election is needed for a rehearsal.
func (s replicaSet) standing(up func(id string) bool) standing {
	var st standing
	for _, m := range s.Members {
		if !up(m.ID) {
			continue
		}
		st.up++
		if st.primary == "" {
			st.primary = m.ID
		}
	}
	st.healthy = st.up > len(s.Members)/2
	if !st.healthy {
		st.primary = ""
		st.reason = fmt.Sprintf("replica set has no majority: %d of %d up", st.up, len(s.Members))
	}
	return st
}

func (s replicaSet) encode() []byte {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("replica set of strings and numbers cannot be encoded: %v", err))
	}
	return append(text, '\n')
}

// parseReplicaSet reads what encode wrote, from a file or from a peer.
func parseReplicaSet(content []byte) (replicaSet, error) {
	var s replicaSet
	if len(content) > maxReplicaSetFile {
		return s, fmt.Errorf("%d bytes: want at most %d", len(content), maxReplicaSetFile)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&s); err != nil {
		return replicaSet{}, fmt.Errorf("no JSON of a replica set: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return replicaSet{}, errors.New("text after the replica set")
	}
	if err := s.check(); err != nil {
		return replicaSet{}, err
	}
	return s, nil
}

func (s replicaSet) check() error {
	switch {
	case s.Format != replicaSetFormat:
		return fmt.Errorf("format %d: want %d; it was written by another release", s.Format, replicaSetFormat)
	case s.Cluster == "":
		return errors.New("cluster is missing")
	case s.Version < 1:
		return fmt.Errorf("version %d: want at least 1", s.Version)
	case s.empty():
		return errors.New("members are missing")
	}
	for i, m := range s.Members {
		if err := m.check(); err != nil {
			return fmt.Errorf("member %d: %w", i, err)
		}
		if i > 0 && s.Members[i-1].ID >= m.ID {
			return fmt.Errorf("member %d: id %q after %q: want ids in ascending order", i, m.ID, s.Members[i-1].ID)
		}
	}
	return nil
}

func (m member) check() error {
	if m.ID == "" || !isText([]byte(m.ID)) || strings.ContainsAny(m.ID, "\n\r\t") {
		return fmt.Errorf("id %q: want the serial number of a device", m.ID)
	}
	if m.DeviceID == 0 {
		return fmt.Errorf("device_id of %q is missing", m.ID)
	}
	host, port, err := net.SplitHostPort(m.Address)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || host == "" || n == 0 {
		return fmt.Errorf("address %q of %q: want host:port", m.Address, m.ID)
	}
	return nil
}

// loadReplicaSet returns an empty set when the device has none yet.
func loadReplicaSet(dir string) (replicaSet, error) {
	path := filepath.Join(dir, replicaSetFileName)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return replicaSet{}, nil
	}
	if err != nil {
		return replicaSet{}, fmt.Errorf("replica set file: %w", err)
	}
	s, err := parseReplicaSet(content)
	if err != nil {
		return replicaSet{}, fmt.Errorf("replica set file %s: %w", path, err)
	}
	return s, nil
}

func storeReplicaSet(dir string, s replicaSet) error {
	if err := writeFileAtomically(filepath.Join(dir, replicaSetFileName), s.encode()); err != nil {
		return fmt.Errorf("replica set file: %w", err)
	}
	return nil
}
