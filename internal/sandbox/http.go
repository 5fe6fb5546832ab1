package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// largestBody is how much of a call is read, in bytes.
const largestBody = 64 << 20

// refuse answers with a plain text, as all refusals of a master are.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// refuseMethod answers a request that should have been a POST.
func refuseMethod(w http.ResponseWriter, r *http.Request) { refuseMethods(w, r, http.MethodPost) }

func refuseMethods(w http.ResponseWriter, r *http.Request, allowed ...string) {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refuse(w, http.StatusMethodNotAllowed, fmt.Sprintf(
		"405 Method Not Allowed. Expecting one of { '%s' }, but received '%s'.", strings.Join(allowed, "', '"), r.Method))
}

// unmarshaler is a call of either API; the generated types have this.
type unmarshaler interface {
	Unmarshal(data []byte) error
}

// readCall reads a POSTed call into parts, each of which may know another part of it, or refuses it in the way and order of a master.
func readCall(w http.ResponseWriter, r *http.Request, parts ...unmarshaler) bool {
	if r.Method != http.MethodPost {
		refuseMethod(w, r)
		return false
	}
	media := r.Header.Get("Content-Type")
	switch {
	case media == "":
		refuse(w, http.StatusBadRequest, "Expecting 'Content-Type' to be present")
		return false
	case media != mediaJSON && media != mediaProtobuf:
		refuse(w, http.StatusUnsupportedMediaType,
			"Expecting 'Content-Type' of application/json or application/x-protobuf")
		return false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, "Failed to read body: "+err.Error())
		return false
	}
	for _, part := range parts {
		if text := decodeProblem(media, body, part); text != "" {
			refuse(w, http.StatusBadRequest, text)
			return false
		}
	}
	return true
}

func decodeProblem(media string, body []byte, call unmarshaler) string {
	if media == mediaProtobuf {
		if err := call.Unmarshal(body); err != nil {
			return "Failed to parse body into Call protobuf"
		}
		return ""
	}
	err := protojson.Unmarshal(body, call)
	var syntax *protojson.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return "Failed to parse body into JSON: " + err.Error()
	case err != nil:
		return "Failed to convert JSON into Call protobuf: " + err.Error()
	}
	return ""
}

func writeJSON(w http.ResponseWriter, value any) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeBody(w, mediaJSON, bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// writeBody answers with a body of known length; a master sends only streams in chunks.
func writeBody(w http.ResponseWriter, media string, body []byte) {
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the only failure is a connection that is gone
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	refuse(w, http.StatusNotFound, "404 Not Found.")
}

func healthy(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
