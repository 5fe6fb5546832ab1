package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// archives are the names that the fetcher of Mesos unpacks unless it is told not to.
var archives = [...]string{".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".gz", ".zip"}

// fetchAll brings the URIs of the command into the sandbox directory, one after the other.
func (c *container) fetchAll() error {
	uris := c.start.Command.URIs
	for i := range uris {
		if err := c.fetch(&uris[i]); err != nil {
			return fmt.Errorf("uri %s: %w", uris[i].Value, err)
		}
	}
	return c.ctx.Err()
}

func (c *container) fetch(uri *mesos.CommandInfo_URI) error {
	source, err := openURI(c.ctx, uri.Value)
	if err != nil {
		return err
	}
	defer source.Close()
	name, err := localName(uri)
	if err != nil {
		return err
	}
	if unpacks(name, uri) {
		return errors.New("this sandbox unpacks no archives: set extract=false, or fetch the files themselves")
	}
	mode := os.FileMode(0o644)
	if uri.GetExecutable() {
		mode = 0o755
	}
	target := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	c.fetched = append(c.fetched, name)
	return writeFile(target, source, mode)
}

func openURI(ctx context.Context, uri string) (io.ReadCloser, error) {
	switch {
	case strings.HasPrefix(uri, "http://"), strings.HasPrefix(uri, "https://"):
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
		if err != nil {
			return nil, err
		}
		// No connection is kept: it would outlive the sandbox.
		client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}
		response, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		if response.StatusCode != http.StatusOK {
			response.Body.Close()
			return nil, fmt.Errorf("answered %s", response.Status)
		}
		return response.Body, nil
	case strings.HasPrefix(uri, "file://"), strings.HasPrefix(uri, "/"):
		return os.Open(strings.TrimPrefix(uri, "file://"))
	}
	return nil, errors.New("want http://, https://, file:// or an absolute path")
}

// localName is where in the sandbox a URI goes: output_file if set, else the last part of its path.
func localName(uri *mesos.CommandInfo_URI) (string, error) {
	name := uri.GetOutputFile()
	if name == "" {
		parsed, err := url.Parse(uri.Value)
		if err != nil {
			return "", err
		}
		name = path.Base(parsed.Path)
	}
	if !filepath.IsLocal(name) || name == "." {
		return "", fmt.Errorf("file name %q: want one below the sandbox directory", name)
	}
	return name, nil
}

func unpacks(name string, uri *mesos.CommandInfo_URI) bool {
	if !uri.GetExtract() || uri.GetExecutable() {
		return false
	}
	for _, suffix := range archives {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

func writeFile(path string, source io.Reader, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, source)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	// A child that is being started just now still holds our descriptor, until it executes its program; as long as it
	// does, executing this file fails with "text file busy". Starting takes this lock, so nobody is left after it.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	return err
}
