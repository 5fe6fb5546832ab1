package cluster_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/datadriven"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// Resources are written as a master prints them, shortened: cpus:0.5, cpus(dev):1 if they are statically reserved,
// cpus(dev,p1):1 if dynamically, mem(dev,p1,k=v)(dev/sub,p1):64 with labels and refined, ports:31000-31001,
// disk[MOUNT:/m1]:64, and disk(dev,p1)[v1:data]:64 or disk(dev,p1)[MOUNT:/m1,v1:data]:64 for a persistent volume, whose
// principal is that of the reservation. [v1:data:RO] is a volume to be read only.

func parseNotation(words []string) ([]mesos.Resource, error) {
	var list []mesos.Resource
	for _, word := range words {
		r, err := parseOne(word)
		if err != nil {
			return nil, fmt.Errorf("resource %q: %w", word, err)
		}
		list = append(list, r)
	}
	return list, nil
}

func parseOne(word string) (mesos.Resource, error) {
	colon := strings.LastIndexByte(word, ':')
	if colon < 0 {
		return mesos.Resource{}, errors.New("no amount")
	}
	facets := word[:colon]
	end := strings.IndexAny(facets, "([")
	if end < 0 {
		end = len(facets)
	}
	r, err := parseAmount(facets[:end], word[colon+1:])
	for facets = facets[end:]; facets != "" && err == nil; {
		bracket := strings.IndexAny(facets, ")]")
		if bracket < 0 {
			return r, errors.New("no closing bracket")
		}
		if parts := strings.Split(facets[1:bracket], ","); facets[0] == '(' {
			r.Reservations = append(r.Reservations, parseReservation(parts))
		} else {
			r.Disk = parseDisk(parts, r.Reservations)
		}
		facets = facets[bracket+1:]
	}
	return r, err
}

func parseAmount(name, amount string) (mesos.Resource, error) {
	if begin, end, isRange := strings.Cut(amount, "-"); isRange && begin != "" {
		return ports(begin + "-" + end), nil
	}
	value, err := strconv.ParseFloat(amount, 64)
	return cluster.Scalar(name, value), err
}

func parseReservation(parts []string) mesos.Resource_ReservationInfo {
	typ := mesos.Resource_ReservationInfo_STATIC
	v := mesos.Resource_ReservationInfo{Type: &typ, Role: &parts[0]}
	if len(parts) > 1 {
		typ = mesos.Resource_ReservationInfo_DYNAMIC
		if parts[1] != "" {
			v.Principal = &parts[1]
		}
	}
	for _, label := range parts[min(2, len(parts)):] {
		key, value, _ := strings.Cut(label, "=")
		if v.Labels == nil {
			v.Labels = &mesos.Labels{}
		}
		v.Labels.Labels = append(v.Labels.Labels, mesos.Label{Key: key, Value: &value})
	}
	return v
}

func parseDisk(parts []string, stack []mesos.Resource_ReservationInfo) *mesos.Resource_DiskInfo {
	disk := &mesos.Resource_DiskInfo{}
	for _, part := range parts {
		words := strings.Split(part, ":")
		switch words[0] {
		case "":
		case "MOUNT":
			disk.Source = &mesos.Resource_DiskInfo_Source{Type: mesos.Resource_DiskInfo_Source_MOUNT,
				Mount: &mesos.Resource_DiskInfo_Source_Mount{Root: &words[1]}}
		case "PATH":
			disk.Source = &mesos.Resource_DiskInfo_Source{Type: mesos.Resource_DiskInfo_Source_PATH,
				Path: &mesos.Resource_DiskInfo_Source_Path{Root: &words[1]}}
		default:
			disk.Persistence = &mesos.Resource_DiskInfo_Persistence{ID: words[0]}
			if len(stack) > 0 {
				disk.Persistence.Principal = stack[len(stack)-1].Principal
			}
			if len(words) > 1 {
				mode := mesos.RW
				if len(words) > 2 && words[2] == "RO" {
					mode = mesos.RO
				}
				disk.Volume = &mesos.Volume{ContainerPath: words[1], Mode: &mode}
			}
		}
	}
	return disk
}

// parseOperation reads a line such as "create id=op1 disk(dev,p1)[v1:data]:64", "grow VOLUME by ADDITION",
// "shrink VOLUME by 30" or "launch t1 cpus:0.1 mem:32 [executor=e1]".
func parseOperation(line, agent string) (mesos.Offer_Operation, error) {
	words := strings.Fields(line)
	op := mesos.Offer_Operation{}
	kind := words[0]
	words = words[1:]
	if len(words) > 0 && strings.HasPrefix(words[0], "id=") {
		op.ID = &mesos.OperationID{Value: strings.TrimPrefix(words[0], "id=")}
		words = words[1:]
	}
	switch kind {
	case "launch":
		return op, parseLaunch(&op, words, agent)
	case "shrink":
		return op, parseShrink(&op, words)
	case "grow":
		words = append(words[:1:1], words[2:]...)
	}
	resources, err := parseNotation(words)
	switch kind {
	case "reserve":
		op.Type, op.Reserve = mesos.Offer_Operation_RESERVE, &mesos.Offer_Operation_Reserve{Resources: resources}
	case "unreserve":
		op.Type, op.Unreserve = mesos.Offer_Operation_UNRESERVE, &mesos.Offer_Operation_Unreserve{Resources: resources}
	case "create":
		op.Type, op.Create = mesos.Offer_Operation_CREATE, &mesos.Offer_Operation_Create{Volumes: resources}
	case "destroy":
		op.Type, op.Destroy = mesos.Offer_Operation_DESTROY, &mesos.Offer_Operation_Destroy{Volumes: resources}
	case "grow":
		op.Type = mesos.Offer_Operation_GROW_VOLUME
		op.GrowVolume = &mesos.Offer_Operation_GrowVolume{Volume: resources[0], Addition: resources[1]}
	default:
		return op, errors.New("no operation " + kind)
	}
	return op, err
}

func parseShrink(op *mesos.Offer_Operation, words []string) error {
	volume, err := parseOne(words[0])
	if err != nil {
		return err
	}
	by, err := strconv.ParseFloat(words[2], 64)
	op.Type = mesos.Offer_Operation_SHRINK_VOLUME
	op.ShrinkVolume = &mesos.Offer_Operation_ShrinkVolume{Volume: volume, Subtract: mesos.Value_Scalar{Value: by}}
	return err
}

func parseLaunch(op *mesos.Offer_Operation, words []string, agent string) error {
	command := "sleep 1000"
	info := mesos.TaskInfo{Name: words[0], TaskID: mesos.TaskID{Value: words[0]}, AgentID: mesos.AgentID{Value: agent},
		Command: &mesos.CommandInfo{Value: &command}}
	words = words[1:]
	if last := len(words) - 1; strings.HasPrefix(words[last], "executor=") {
		info.Executor = &mesos.ExecutorInfo{Type: mesos.ExecutorInfo_CUSTOM, Command: info.Command,
			ExecutorID: mesos.ExecutorID{Value: strings.TrimPrefix(words[last], "executor=")}}
		info.Command = nil
		words = words[:last]
	}
	resources, err := parseNotation(words)
	info.Resources = resources
	op.Type = mesos.Offer_Operation_LAUNCH
	op.Launch = &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{info}}
	return err
}

func (s *story) accept(d *datadriven.TestData) error {
	name := d.CmdArgs[0].Key
	accept := &scheduler.Call_Accept{}
	if arg, ok := d.Arg("offer"); ok {
		for _, n := range arg.Vals {
			accept.OfferIDs = append(accept.OfferIDs, mesos.OfferID{Value: "M-O" + n})
		}
	}
	if refuse, ok := number(d, "refuse"); ok {
		accept.Filters = &mesos.Filters{RefuseSeconds: &refuse}
	}
	agent := "M-S0"
	if arg, ok := d.Arg("agent"); ok {
		agent = arg.Vals[0]
	}
	for line := range strings.Lines(strings.TrimSpace(d.Input)) {
		op, err := parseOperation(line, agent)
		if err != nil {
			return fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
		accept.Operations = append(accept.Operations, op)
	}
	return s.do(name, &scheduler.Call{
		Type: scheduler.Call_ACCEPT, Accept: accept, FrameworkID: &mesos.FrameworkID{Value: s.frameworks[name]},
	})
}

func (s *story) ackOperation(d *datadriven.TestData) error {
	name, id := d.CmdArgs[0].Key, d.CmdArgs[1].Key
	status := s.operations[id]
	if status == nil {
		return fmt.Errorf("no update of operation %s carries a uuid", id)
	}
	uuid := status.UUID.Value
	if d.HasArg("wrong") {
		uuid = make([]byte, 16)
	}
	return s.do(name, &scheduler.Call{
		Type: scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS, FrameworkID: &mesos.FrameworkID{Value: s.frameworks[name]},
		AcknowledgeOperationStatus: &scheduler.Call_AcknowledgeOperationStatus{
			AgentID: status.AgentID, UUID: uuid, OperationID: *status.OperationID,
		},
	})
}

func (s *story) operationText(status *mesos.OperationStatus) string {
	text := status.OperationID.GetValue() + " " + status.State.String()
	if status.UUID != nil {
		s.operations[status.OperationID.GetValue()] = status
		text += " #" + strings.TrimLeft(hex.EncodeToString(status.UUID.Value), "0")
	}
	if status.AgentID != nil {
		text += " on " + status.AgentID.Value
	}
	if status.Message != nil {
		text += fmt.Sprintf(" %q", status.GetMessage())
	}
	return text
}

func volumesText(volumes []cluster.Volume) string {
	var parts []string
	for _, v := range volumes {
		parts = append(parts, fmt.Sprintf("%s %s at %s", v.Role, v.ID, v.ContainerPath))
	}
	return strings.Join(parts, ", ")
}

func resourcesText(resources []mesos.Resource) string {
	var parts []string
	for i := range resources {
		parts = append(parts, resourceText(&resources[i]))
	}
	return strings.Join(parts, " ")
}

// resourceText writes what parseOne reads, and the role of the old form behind the amount, as in cpus:1(dev,p1).
func resourceText(r *mesos.Resource) string {
	text := r.Name
	for i := range r.Reservations {
		v := &r.Reservations[i]
		text += "(" + strings.Join(append([]string{v.GetRole()}, reservedBy(v)...), ",") + ")"
	}
	if r.Disk != nil {
		text += "[" + diskText(r.Disk) + "]"
	}
	text += ":" + amountText(r)
	if r.Role != nil {
		role := []string{*r.Role}
		if v := r.Reservation; v != nil {
			dynamic := mesos.Resource_ReservationInfo_DYNAMIC
			role = append(role, reservedBy(&mesos.Resource_ReservationInfo{Type: &dynamic, Principal: v.Principal, Labels: v.Labels})...)
		}
		text += "(" + strings.Join(role, ",") + ")"
	}
	return text
}

func reservedBy(v *mesos.Resource_ReservationInfo) []string {
	if v.GetType() != mesos.Resource_ReservationInfo_DYNAMIC {
		return nil
	}
	parts := []string{v.GetPrincipal()}
	for _, label := range v.GetLabels().GetLabels() {
		parts = append(parts, label.Key+"="+label.GetValue())
	}
	return parts
}

func diskText(d *mesos.Resource_DiskInfo) string {
	var parts []string
	if source := d.Source; source != nil {
		parts = append(parts, source.Type.String()+":"+source.GetMount().GetRoot()+source.GetPath().GetRoot())
	}
	if d.Persistence != nil {
		parts = append(parts, d.Persistence.ID+":"+d.GetVolume().GetContainerPath())
	}
	return strings.Join(parts, ",")
}

func amountText(r *mesos.Resource) string {
	if r.Ranges == nil {
		return fmt.Sprint(r.GetScalar().GetValue())
	}
	var spans []string
	for _, span := range r.Ranges.Range {
		spans = append(spans, fmt.Sprintf("%d-%d", span.Begin, span.End))
	}
	return "[" + strings.Join(spans, ", ") + "]"
}
