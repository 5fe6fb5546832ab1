package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// The endpoints of version 0 that change something bring other bodies for calls of the operator API. Nobody looks at their Content-Type.

// served is what serves requests of one method.
type served struct {
	method  string
	handler http.HandlerFunc
}

// byMethod chooses by the method of a request.
func byMethod(all ...served) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var methods []string
		for _, one := range all {
			if one.method == r.Method {
				one.handler(w, r)
				return
			}
			methods = append(methods, one.method)
		}
		refuseMethods(w, r, methods...)
	}
}

func posted(handler http.HandlerFunc) http.HandlerFunc {
	return byMethod(served{http.MethodPost, handler})
}

// form is the body of a request as a query string, whatever it says of its type.
func form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	body, ok := wholeBody(w, r)
	if !ok {
		return nil, false
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		refuse(w, http.StatusBadRequest, "Unable to decode query string: "+err.Error())
		return nil, false
	}
	return values, true
}

func wholeBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, "Failed to read body: "+err.Error())
		return nil, false
	}
	return body, true
}

// onAgent serves an endpoint whose form has an agent and a list of resources, and call makes the call of it. problem is what is said of a list that
// can't be read.
func (s *Sandbox) onAgent(list, problem string, call func(mesos.AgentID, []mesos.Resource) *master.Call) http.HandlerFunc {
	return posted(func(w http.ResponseWriter, r *http.Request) {
		values, ok := form(w, r)
		if !ok {
			return
		}
		for _, name := range []string{"slaveId", list} {
			if !values.Has(name) {
				refuse(w, http.StatusBadRequest, "Missing '"+name+"' query parameter in the request body")
				return
			}
		}
		resources, err := listed[mesos.Resource](values.Get(list))
		if err != nil {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("%s '%s' query parameter in the request body: %v", problem, list, err))
			return
		}
		s.operateChecked(w, r, call(mesos.AgentID{Value: values.Get("slaveId")}, resources))
	})
}

// listed reads a list of messages.
func listed[T any](text string) ([]T, error) {
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(text), &items); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, protojson.Unmarshal([]byte(text), new(T)) // in the words of a master
		}
		return nil, errors.New("Unexpected JSON type parsed")
	}
	messages := make([]T, len(items))
	for i := range items {
		if err := protojson.Unmarshal(items[i], &messages[i]); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// operateChecked makes a call of the operator API that was not checked yet.
func (s *Sandbox) operateChecked(w http.ResponseWriter, r *http.Request, call *master.Call) {
	if err := cluster.ValidateOperatorCall(call); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	s.operate(w, r, mediaJSON, call)
}

func reserveCall(id mesos.AgentID, resources []mesos.Resource) *master.Call {
	return &master.Call{Type: master.Call_RESERVE_RESOURCES, ReserveResources: &master.Call_ReserveResources{AgentID: id, Resources: resources}}
}

func unreserveCall(id mesos.AgentID, resources []mesos.Resource) *master.Call {
	return &master.Call{Type: master.Call_UNRESERVE_RESOURCES, UnreserveResources: &master.Call_UnreserveResources{AgentID: id, Resources: resources}}
}

func createCall(id mesos.AgentID, volumes []mesos.Resource) *master.Call {
	return &master.Call{Type: master.Call_CREATE_VOLUMES, CreateVolumes: &master.Call_CreateVolumes{AgentID: id, Volumes: volumes}}
}

func destroyCall(id mesos.AgentID, volumes []mesos.Resource) *master.Call {
	return &master.Call{Type: master.Call_DESTROY_VOLUMES, DestroyVolumes: &master.Call_DestroyVolumes{AgentID: id, Volumes: volumes}}
}

// machines serves an endpoint whose body is a list of machines.
func (s *Sandbox) machines(call func([]mesos.MachineID) *master.Call) http.HandlerFunc {
	return posted(func(w http.ResponseWriter, r *http.Request) {
		body, ok := wholeBody(w, r)
		if !ok {
			return
		}
		ids, err := listed[mesos.MachineID](string(body))
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		s.operateChecked(w, r, call(ids))
	})
}

func downCall(ids []mesos.MachineID) *master.Call {
	return &master.Call{Type: master.Call_START_MAINTENANCE, StartMaintenance: &master.Call_StartMaintenance{Machines: ids}}
}

func upCall(ids []mesos.MachineID) *master.Call {
	return &master.Call{Type: master.Call_STOP_MAINTENANCE, StopMaintenance: &master.Call_StopMaintenance{Machines: ids}}
}

func (s *Sandbox) setMaintenanceSchedule(w http.ResponseWriter, r *http.Request) {
	body, ok := wholeBody(w, r)
	if !ok {
		return
	}
	call := &master.Call{Type: master.Call_UPDATE_MAINTENANCE_SCHEDULE, UpdateMaintenanceSchedule: &master.Call_UpdateMaintenanceSchedule{}}
	if err := protojson.Unmarshal(body, &call.UpdateMaintenanceSchedule.Schedule); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	s.operateChecked(w, r, call)
}

func (s *Sandbox) setWeights(w http.ResponseWriter, r *http.Request) {
	body, ok := wholeBody(w, r)
	if !ok {
		return
	}
	infos, err := listed[mesos.WeightInfo](string(body))
	var syntax *protojson.SyntaxError
	switch {
	case errors.As(err, &syntax):
		refuse(w, http.StatusBadRequest, fmt.Sprintf("Failed to parse update weights request JSON '%s': %v", body, err))
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, fmt.Sprintf("Failed to convert weights JSON array to protobuf '%s': %v", body, err))
		return
	}
	s.operateChecked(w, r, &master.Call{Type: master.Call_UPDATE_WEIGHTS, UpdateWeights: &master.Call_UpdateWeights{WeightInfos: infos}})
}

func (s *Sandbox) setQuota(w http.ResponseWriter, r *http.Request) {
	body, ok := wholeBody(w, r)
	if !ok {
		return
	}
	call := &master.Call{Type: master.Call_SET_QUOTA, SetQuota: &master.Call_SetQuota{}}
	err := protojson.Unmarshal(body, &call.SetQuota.QuotaRequest)
	var syntax *protojson.SyntaxError
	switch {
	case errors.As(err, &syntax):
		refuse(w, http.StatusBadRequest, fmt.Sprintf("Failed to parse set quota request JSON '%s': %v", body, err))
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, fmt.Sprintf("Failed to validate set quota request JSON '%s': %v", body, err))
		return
	}
	s.operateChecked(w, r, call)
}

// removeQuota takes the role from the path, in which it may have slashes.
func (s *Sandbox) removeQuota(w http.ResponseWriter, r *http.Request) {
	path := "/master" + strings.TrimPrefix(r.URL.Path, "/master")
	role := strings.Trim(strings.TrimPrefix(path, "/master/quota"), "/")
	if role == "" {
		refuse(w, http.StatusBadRequest, "Failed to parse remove quota request for path '"+path+"': expected 3 tokens, found 2 tokens")
		return
	}
	var answer cluster.OperatorAnswer
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		answer, effects = s.cluster.Operate(now, &master.Call{Type: master.Call_REMOVE_QUOTA, RemoveQuota: &master.Call_RemoveQuota{Role: role}})
		return effects
	})
	answer.Text = strings.Replace(answer.Text, "Failed to remove quota: ", "Failed to remove quota for path '"+path+"': ", 1)
	s.answer(w, answer.Answer)
}
