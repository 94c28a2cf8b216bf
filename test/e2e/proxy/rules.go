package proxy

import (
	"net/http"
	"slices"
	"sync/atomic"
)

// Fault deals with a request in its own way; forward is the usual one.
type Fault func(w http.ResponseWriter, r *Request, forward Forward)

// Forward hands a request to the target and its answer to w.
type Forward func(w http.ResponseWriter, r *Request)

// Rule says which requests meet a fault. The first one that fits counts.
type Rule struct {
	filter Filter
	left   int // -1: no limit
	fault  Fault
	hits   atomic.Int64
	proxy  *Proxy
}

// Inject lets the next requests that the filter chooses meet the fault: as
// many as times says, or all of them until Remove for 0.
func (p *Proxy) Inject(filter Filter, times int, fault Fault) *Rule {
	if times == 0 {
		times = -1
	}
	rule := &Rule{filter: filter, left: times, fault: fault, proxy: p}
	p.lock.Lock()
	defer p.lock.Unlock()
	p.rules = append(p.rules, rule)
	return rule
}

// Remove ends it for the requests to come.
func (r *Rule) Remove() {
	r.proxy.lock.Lock()
	defer r.proxy.lock.Unlock()
	r.proxy.rules = slices.DeleteFunc(r.proxy.rules, func(other *Rule) bool { return other == r })
}

// Hits are how many requests have met the fault.
func (r *Rule) Hits() int { return int(r.hits.Load()) }

// take finds the rule for a request, and uses it up by one.
func (p *Proxy) take(request *Request) *Rule {
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, rule := range p.rules {
		if rule.left == 0 || !rule.filter.matches(request) {
			continue
		}
		if rule.left > 0 {
			rule.left--
		}
		rule.hits.Add(1)
		p.Faults.Add(1)
		return rule
	}
	return nil
}
