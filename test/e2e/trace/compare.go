package trace

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Difference is one between two answers. Where begins at the object, as
// "PodAutoscaler.status.serviceName": in a list or a watch at the item.
type Difference struct {
	Where      string
	Ours, Real any // absent if one has not got it
}

type nothing struct{}

var absent = nothing{}

var (
	age       = regexp.MustCompile(`^(<unknown>|<invalid>|(\d+[ywdhms]){1,2}|\d+s \(.*\))$`)
	address   = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)  // Prometheus'
	dump      = regexp.MustCompile(`Invalid value: "\{.*\}":`) // of an object, in a refusal
	generated = regexp.MustCompile(`\.[0-9a-f]{15,16}$`)
)

// normal puts aside what differs between any two servers: uids, versions,
// times, ages, and who wrote which field. A Table's rows get names.
func normal(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if value["kind"] == "Table" {
			return normalTable(value)
		}
		fields := map[string]any{}
		for key, inner := range value {
			switch {
			case key == "managedFields":
			case key == "resourceVersion" && inner != "":
				fields[key] = "<version>"
			case key == "continue" && inner != "":
				fields[key] = "<token>"
			default:
				fields[key] = normal(inner)
			}
		}
		return fields
	case []any:
		list := make([]any, len(value))
		for i := range value {
			list[i] = normal(value[i])
		}
		return list
	case string:
		value = timePattern.ReplaceAllString(value, "<time>")
		value = dump.ReplaceAllString(value, `Invalid value: "<object>":`)
		value = address.ReplaceAllString(value, "<address>")
		value = uidPattern.ReplaceAllString(value, "<uid>")
		return generated.ReplaceAllString(value, ".<generated>")
	}
	return value
}

// normalTable turns columns and rows into objects by name.
func normalTable(table map[string]any) any {
	out := map[string]any{"kind": "Table", "apiVersion": table["apiVersion"], "metadata": normal(table["metadata"])}
	columns, _ := table["columnDefinitions"].([]any)
	var names []any
	definitions := map[string]any{}
	for _, column := range columns {
		names = append(names, text(column, "name"))
		definitions[text(column, "name")] = column
	}
	out["columns"], out["columnDefinitions"] = names, definitions
	rows, _ := table["rows"].([]any)
	named := map[string]any{}
	for _, row := range rows {
		cells, _ := field(row, "cells").([]any)
		values := map[string]any{}
		for i, cell := range cells {
			name := fmt.Sprint(i)
			if i < len(names) {
				name = fmt.Sprint(names[i])
			}
			if word, ok := cell.(string); ok && age.MatchString(word) && isAge(name) {
				cell = "<age>"
			}
			values[name] = normal(cell)
		}
		name := fmt.Sprint(normal(text(row, "object", "metadata", "name")))
		named[name] = map[string]any{"cells": values, "object": normal(field(row, "object"))}
	}
	out["rows"] = named
	return out
}

func isAge(column string) bool {
	return column == "Age" || strings.HasSuffix(column, " Seen")
}

type comparison struct{ found []Difference }

// compare tells how two values differ.
func compare(ours, real any) []Difference {
	var c comparison
	c.values(rootOf(real, ours), ours, real)
	return c.found
}

// rootOf names the object that a path begins with.
func rootOf(values ...any) string {
	for _, value := range values {
		if kind := text(value, "kind"); kind != "" {
			return kind
		}
	}
	return "answer"
}

func (c *comparison) add(where string, ours, real any) {
	c.found = append(c.found, Difference{where, ours, real})
}

func (c *comparison) values(where string, ours, real any) {
	switch a := ours.(type) {
	case map[string]any:
		if b, ok := real.(map[string]any); ok {
			c.objects(where, a, b)
			return
		}
	case []any:
		if b, ok := real.([]any); ok {
			c.lists(where, a, b)
			return
		}
	}
	if !reflect.DeepEqual(ours, real) {
		c.add(where, ours, real)
	}
}

func (c *comparison) objects(where string, ours, real map[string]any) {
	// An object in an answer is a root of its own.
	if kind := text(real, "kind"); kind != "" && real["metadata"] != nil && text(ours, "kind") == kind {
		where = kind
	}
	for _, key := range sortedKeys(ours) {
		b, both := real[key]
		if !both {
			b = absent
		}
		c.values(where+"."+key, ours[key], b)
	}
	for _, key := range sortedKeys(real) {
		if _, both := ours[key]; !both {
			c.add(where+"."+key, absent, real[key])
		}
	}
}

// lists compares by the names of the elements where they have some.
func (c *comparison) lists(where string, ours, real []any) {
	nameOf := namer(append(slices.Clone(ours), real...))
	if nameOf == nil && isDiscovery(where) && areWords(ours) && areWords(real) {
		// Verbs and short names, in any order.
		if !slices.Equal(sorted(ours), sorted(real)) {
			c.add(where, ours, real)
		}
		return
	}
	if nameOf == nil {
		c.byPlace(where, ours, real)
		return
	}
	a, b := map[string]any{}, map[string]any{}
	var namesA, namesB []any
	for _, element := range ours {
		a[nameOf(element)] = element
		namesA = append(namesA, nameOf(element))
	}
	for _, element := range real {
		b[nameOf(element)] = element
		namesB = append(namesB, nameOf(element))
	}
	before := len(c.found)
	for _, name := range sortedKeys(b) {
		element, both := a[name]
		if !both {
			element = absent
		}
		// Only what devcluster claims to know has to be like the real one.
		if both || !isDiscovery(where) {
			c.values(where+"["+name+"]", element, b[name])
		}
	}
	for _, name := range sortedKeys(a) {
		if _, both := b[name]; !both {
			c.add(where+"["+name+"]", a[name], absent)
		}
	}
	if len(c.found) == before && !isDiscovery(where) && !reflect.DeepEqual(namesA, namesB) {
		c.add(where+" (order)", namesA, namesB)
	}
}

func areWords(list []any) bool {
	for _, element := range list {
		if _, word := element.(string); !word {
			return false
		}
	}
	return true
}

func sorted(words []any) []string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = fmt.Sprint(word)
	}
	slices.Sort(out)
	return out
}

func (c *comparison) byPlace(where string, ours, real []any) {
	for i := range max(len(ours), len(real)) {
		var a, b any = absent, absent
		if i < len(ours) {
			a = ours[i]
		}
		if i < len(real) {
			b = real[i]
		}
		c.values(fmt.Sprintf("%s[%d]", where, i), a, b)
	}
}

func isDiscovery(where string) bool {
	return strings.HasPrefix(where, "APIGroup") || strings.HasPrefix(where, "APIResourceList")
}

// namer finds by what the elements of a list are told apart; nil if by
// nothing but their place.
func namer(elements []any) func(any) string {
	for _, path := range [][]string{{"metadata", "name"}, {"type"}, {"name"}, {"resource"}, {"subresource"}, {"version"}} {
		seen := 0
		for _, element := range elements {
			if text(element, path...) != "" {
				seen++
			}
		}
		if seen > 0 && seen == len(elements) {
			return func(element any) string { return text(element, path...) }
		}
	}
	return nil
}
