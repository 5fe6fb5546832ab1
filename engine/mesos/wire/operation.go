package wire

import (
	"errors"
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/offers"
)

// operation encodes an operation of an ACCEPT.
func operation(op offers.Operation, frameworkID string) (mesos.Offer_Operation, error) {
	var out mesos.Offer_Operation
	if op.Type != offers.Launch && op.Type != offers.GrowVolume && len(resources(op.Resources)) == 0 {
		return out, errors.New("resources are empty: Mesos refuses an operation on nothing")
	}
	switch op.Type {
	case offers.Reserve:
		out.Type, out.Reserve = mesos.Offer_Operation_RESERVE, &mesos.Offer_Operation_Reserve{Resources: resources(op.Resources)}
	case offers.Unreserve:
		out.Type, out.Unreserve = mesos.Offer_Operation_UNRESERVE, &mesos.Offer_Operation_Unreserve{Resources: resources(op.Resources)}
	case offers.Create:
		out.Type, out.Create = mesos.Offer_Operation_CREATE, &mesos.Offer_Operation_Create{Volumes: resources(op.Resources)}
	case offers.Destroy:
		out.Type, out.Destroy = mesos.Offer_Operation_DESTROY, &mesos.Offer_Operation_Destroy{Volumes: resources(op.Resources)}
	case offers.GrowVolume:
		out.Type = mesos.Offer_Operation_GROW_VOLUME
		out.GrowVolume = &mesos.Offer_Operation_GrowVolume{Volume: resourceMessage(&op.Volume), Addition: resourceMessage(&op.Addition)}
	case offers.Launch:
		launch, err := launch(op.Tasks, frameworkID)
		if err != nil {
			return out, err
		}
		out.Type, out.Launch = mesos.Offer_Operation_LAUNCH, launch
	default:
		return out, fmt.Errorf("type %q is unknown", op.Type)
	}
	return out, nil
}

func launch(tasks []offers.Task, frameworkID string) (*mesos.Offer_Operation_Launch, error) {
	if len(tasks) == 0 {
		return nil, errors.New("tasks are empty")
	}
	out := &mesos.Offer_Operation_Launch{}
	for _, t := range tasks {
		info, err := taskInfo(t, frameworkID)
		if err != nil {
			return nil, err
		}
		out.TaskInfos = append(out.TaskInfos, info)
	}
	return out, nil
}
