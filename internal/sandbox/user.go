package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// account is whom a task runs as: a user id, a group id and further groups, as in 1000:1000:4,27. ownAccount stands for
// whoever runs the sandbox.
type account string

const ownAccount account = "-"

// accountOf looks a user up. Only root can run tasks as somebody else. The texts are those of an agent.
func accountOf(name string) (account, error) {
	if name == "" {
		return ownAccount, nil
	}
	found, err := user.Lookup(name)
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		return "", fmt.Errorf("No such user '%s'", name)
	}
	if err != nil {
		return "", err
	}
	if found.Uid == strconv.Itoa(os.Geteuid()) {
		return ownAccount, nil
	}
	if os.Geteuid() != 0 {
		if _, err := user.Current(); err != nil {
			return ownAccount, nil // nobody can ask by name for a user that has none
		}
		return "", errors.New("Operation not permitted")
	}
	groups, err := found.GroupIds()
	if err != nil {
		return "", err
	}
	return account(found.Uid + ":" + found.Gid + ":" + strings.Join(groups, ",")), nil
}

// ids takes an account apart. It must not be ownAccount.
func (a account) ids() (uid, gid uint32, groups []uint32, err error) {
	number := func(text string) uint32 {
		n, wrong := strconv.ParseUint(text, 10, 32)
		err = errors.Join(err, wrong)
		return uint32(n)
	}
	parts := strings.Split(string(a), ":")
	if len(parts) != 3 {
		return 0, 0, nil, fmt.Errorf("account %q: want UID:GID:GROUP,..., or %s", a, ownAccount)
	}
	uid, gid = number(parts[0]), number(parts[1])
	for group := range strings.SplitSeq(parts[2], ",") {
		if group != "" {
			groups = append(groups, number(group))
		}
	}
	if err != nil {
		err = fmt.Errorf("account %q: %w", a, err)
	}
	return uid, gid, groups, err
}

// ownOne gives a directory to the account, without what is in it.
func (a account) ownOne(dir string) error {
	if a == ownAccount {
		return nil
	}
	uid, gid, _, err := a.ids()
	if err != nil {
		return err
	}
	return os.Chown(dir, int(uid), int(gid))
}

// own gives a directory with everything in it to the account.
func (a account) own(dir string) error {
	if a == ownAccount {
		return nil
	}
	uid, gid, _, err := a.ids()
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(uid), int(gid))
	})
}
