package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Offer constraints came with Mesos 1.11. mesos-go's messages are older and would drop them, so their bytes are written here, by the
// numbers of v1/scheduler/scheduler.proto. As a part of update_framework that follows what mesos-go has written of it they need no other
// encoding of the call, because the order of the fields of a message is free.
const (
	fieldUpdateFramework  = 19 // Call.update_framework
	fieldOfferConstraints = 3  // UpdateFramework.offer_constraints

	fieldRoleConstraints = 1 // OfferConstraints.role_constraints, a map
	fieldKey             = 1 // of the map: the role
	fieldValue           = 2 // of the map: RoleConstraints

	fieldGroups               = 1 // RoleConstraints.groups: one must be met
	fieldAttributeConstraints = 1 // Group.attribute_constraints: all must be met

	fieldSelector      = 1 // AttributeConstraint.selector
	fieldPredicate     = 2 // AttributeConstraint.predicate
	fieldPseudo        = 1 // Selector.pseudoattribute_type
	pseudoHostname     = 1 // HOSTNAME
	fieldAttributeName = 2 // Selector.attribute_name
	fieldTextNotEquals = 4 // Predicate.text_not_equals
	fieldText          = 1 // TextNotEquals.value
)

// ExcludeHosts encodes the call that asks for offers of all agents but those of some hosts, for all roles, in place of whatever was asked
// before. hosts are keys as Decoder makes them with the same keyAttribute: without one they are hostnames, with one its values. Then an agent
// that is known by its hostname, because it lacks the attribute, is offered all the same; so is one whose attribute is no text. All else
// that a framework says of itself must be said again with it, and no role is suppressed after it.
func ExcludeHosts(f Framework, frameworkID, keyAttribute string, hosts []string) ([]byte, error) {
	if len(hosts) == 0 {
		return UpdateFramework(f, frameworkID)
	}
	if frameworkID == "" {
		return nil, errors.New("update framework call: framework id is empty: it is known once subscribed")
	}
	if slices.Contains(hosts, "") {
		return nil, errors.New("update framework call: a host without a name can't be excluded")
	}
	info := frameworkInfo(f, frameworkID)
	head := &scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK, FrameworkID: &mesos.FrameworkID{Value: frameworkID}}
	update := &scheduler.Call_UpdateFramework{FrameworkInfo: *info}
	out, err := head.Marshal()
	if err != nil {
		return nil, fmt.Errorf("update framework call: %w", err)
	}
	body, err := update.Marshal()
	if err != nil {
		return nil, fmt.Errorf("update framework call: %w", err)
	}
	body = appendBytes(body, fieldOfferConstraints, offerConstraints(f.Roles, keyAttribute, hosts))
	return appendBytes(out, fieldUpdateFramework, body), nil
}

// offerConstraints is the message OfferConstraints: for each role the one group that says which hosts it is not.
func offerConstraints(roles []string, keyAttribute string, hosts []string) []byte {
	var group []byte
	for _, host := range hosts {
		group = appendBytes(group, fieldAttributeConstraints, differs(keyAttribute, host))
	}
	expression := appendBytes(nil, fieldGroups, group)
	var out []byte
	for _, role := range roles {
		entry := appendBytes(nil, fieldKey, []byte(role))
		out = appendBytes(out, fieldRoleConstraints, appendBytes(entry, fieldValue, expression))
	}
	return out
}

// differs is the message AttributeConstraint that an agent of a host does not meet.
func differs(keyAttribute, host string) []byte {
	var selector []byte
	if keyAttribute == "" {
		selector = binary.AppendUvarint(binary.AppendUvarint(nil, fieldPseudo<<3|varintField), pseudoHostname)
	} else {
		selector = appendBytes(nil, fieldAttributeName, []byte(keyAttribute))
	}
	predicate := appendBytes(nil, fieldTextNotEquals, appendBytes(nil, fieldText, []byte(host)))
	return appendBytes(appendBytes(nil, fieldSelector, selector), fieldPredicate, predicate)
}

// appendBytes adds a field that is a text or a message.
func appendBytes(out []byte, field uint64, value []byte) []byte {
	out = binary.AppendUvarint(out, field<<3|bytesField)
	out = binary.AppendUvarint(out, uint64(len(value)))
	return append(out, value...)
}
