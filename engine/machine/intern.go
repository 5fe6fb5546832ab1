package machine

// sharedStrings keeps one of all strings that are equal. What is decoded from records has its own of each: the pods of a host have its names three times, and all pods of a type
// the same fingerprints.
type sharedStrings map[string]string

func (s sharedStrings) share(all ...*string) {
	for _, p := range all {
		if *p == "" {
			continue
		}
		kept, ok := s[*p]
		if !ok {
			s[*p] = *p
			continue
		}
		*p = kept
	}
}

func (s sharedStrings) shareHost(h *Host) {
	s.share(&h.Key, &h.Hostname, &h.AgentID, &h.Region, &h.Zone)
	for i := range h.Attributes {
		s.share(&h.Attributes[i].Name, &h.Attributes[i].Value)
	}
}

func (s sharedStrings) sharePod(p *Pod) {
	s.share(&p.Type, &p.Host, &p.Completed, &p.Good)
	t := p.Task
	if t == nil {
		return
	}
	s.share(&t.ID, &t.ExecutorID, &t.AgentID, &t.Hostname, &t.Address, &t.Target, &t.Fingerprint, (*string)(&t.State), &t.Reason, &t.Source)
	for i := range t.Ports {
		s.share(&t.Ports[i].Name)
	}
}
