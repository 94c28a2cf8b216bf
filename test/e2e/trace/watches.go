package trace

import (
	"context"
	"slices"
	"time"
)

// compareWatches compares what the watches brought: of each object the first
// event and the order of types, and what is about no object (bookmarks). The
// last events may still be on their way.
func (r *replay) compareWatches(ctx context.Context) error {
	for deadline := time.Now().Add(r.patience()); ; {
		open := 0
		for _, step := range r.watches {
			open += len(r.Allowed.without(step, r.watchDifferences(step)))
		}
		if open == 0 || time.Now().After(deadline) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	for _, step := range r.watches {
		r.add(0, step, r.watchDifferences(step))
	}
	return nil
}

func (r *replay) watchDifferences(step Step) []Difference {
	var all []Difference
	ours, real := r.ours.events(step.Path), r.real.events(step.Path)
	for _, key := range sortedKeys(union(ours, real)) {
		a, b := ours[key], real[key]
		if x, y := order(a), order(b); !slices.Equal(x, y) {
			all = append(all, Difference{"events of " + key, x, y})
		}
		if len(a) > 0 && len(b) > 0 {
			all = append(all, compare(first(a), first(b))...)
		}
	}
	return all
}

func union[V any](a, b map[string]V) map[string]bool {
	keys := map[string]bool{}
	for key := range a {
		keys[key] = true
	}
	for key := range b {
		keys[key] = true
	}
	return keys
}

// order is the order of types. Whether and how often an object was modified
// meanwhile depends on the moment; what it became is in the facts.
func order(events []told) []string {
	var kinds []string
	for _, event := range events {
		if event.kind != "MODIFIED" && (len(kinds) == 0 || kinds[len(kinds)-1] != event.kind) {
			kinds = append(kinds, event.kind)
		}
	}
	return kinds
}

// first is the first event's object, without the status that others write; of
// a Table only the columns.
func first(events []told) any {
	value := normal(events[0].value)
	if events[0].kind != "BOOKMARK" && events[0].kind != "ERROR" {
		delete(fieldsOf(value), "status")
	}
	if text(value, "kind") == "Table" {
		delete(fieldsOf(value), "rows")
	}
	return value
}
