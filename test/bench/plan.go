package main

import (
	"context"
	"fmt"
)

// measure goes through the scenarios. What a size needs is measured on one
// cluster, so that 10,000 revisions are made once; each floor of create gets a
// fresh one, so that neither finds what the other left.
func measure(ctx context.Context, o *options, report *Report) error {
	if o.runs("single") {
		if err := onCluster(ctx, o, func(b *bed) error { return b.single(ctx, report) }); err != nil {
			return fmt.Errorf("single: %w", err)
		}
	}
	for _, n := range o.sizes {
		if err := measureSize(ctx, o, n, report); err != nil {
			return fmt.Errorf("%d revisions: %w", n, err)
		}
	}
	return nil
}

// mostTwice is the largest number of revisions whose floor is measured twice:
// over the minutes that more of them take, noise evens out.
const mostTwice = 1000

func measureSize(ctx context.Context, o *options, n int, report *Report) error {
	atLargest := n == o.largest() && (o.runs("edits") || o.runs("global"))
	if !o.runs("create") && !o.runs("restart") && !atLargest {
		return nil
	}
	create := &Result{Scenario: "create", Revisions: n}
	floor := func(when string, wanted int) error {
		if !o.runs("create") || o.floors < wanted || (wanted > 1 && n > mostTwice) {
			return nil
		}
		err := onCluster(ctx, o, func(b *bed) error { return b.createFloor(ctx, create) })
		if err != nil {
			err = fmt.Errorf("floor of create, %s: %w", when, err)
		}
		return err
	}
	if err := floor("before", 1); err != nil {
		return err
	}
	if err := onCluster(ctx, o, func(b *bed) error { return b.converged(ctx, n, create, report) }); err != nil {
		return err
	}
	if err := floor("behind", 2); err != nil || !o.runs("create") {
		return err
	}
	report.add(create)
	return nil
}

// converged makes n revisions, and measures whatever wants them there.
func (b *bed) converged(ctx context.Context, n int, create *Result, report *Report) error {
	steps := []struct {
		name string
		runs bool
		do   func() error
	}{
		{"create", true, func() error { return b.create(ctx, create) }},
		{"restart", b.runs("restart"), func() error { return b.restart(ctx, n, report) }},
		{"edits", b.runs("edits") && n == b.largest(), func() error { return b.edits(ctx, n, report) }},
		{"global", b.runs("global") && n == b.largest(), func() error { return b.global(ctx, n, report) }},
	}
	for _, step := range steps {
		if !step.runs {
			continue
		}
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}
