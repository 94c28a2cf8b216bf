package dashboard

import (
	"encoding/xml"
	"html"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"autoscaler-keda-hpa/e2e/cluster"
)

func points(labels map[string]string, values ...float64) cluster.Sample {
	sample := cluster.Sample{Labels: labels, Values: values}
	for i := range values {
		sample.Times = append(sample.Times, float64(i*4))
	}
	return sample
}

// Every panel of the shipped dashboard is in the picture, which is XML,
// whatever the labels and values are.
func TestDraw(t *testing.T) {
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(filepath.Join(root, "config"))
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"k8s_namespace_name": "<ns>", "kn_revision_name": "a&b", "reason": `"`, "pod": "p", "kind": "k"}
	var all []Answers
	for range d.Panels {
		some := []cluster.Sample{points(labels, 1, 1, 1, math.NaN(), math.Inf(1), 2e9), points(map[string]string{"pod": "q"}, 0, 0.001)}
		all = append(all, Answers{some, nil, some, some, some, some, some})
	}
	drawing := Drawing{From: 0, To: 120}
	picture := string(drawing.Draw(d, all))
	for _, panel := range d.Panels {
		if !strings.Contains(picture, ">"+html.EscapeString(panel.Title)+"</text>") {
			t.Errorf("panel %s is not in the picture", panel.Title)
		}
	}
	for reader := xml.NewDecoder(strings.NewReader(picture)); ; {
		if _, err := reader.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") {
		t.Error("a value that is none was drawn")
	}
}

func TestCurveHasCornersOnly(t *testing.T) {
	d := &Dashboard{Panels: []Panel{{Type: "timeseries", Targets: []Target{{LegendFormat: "{{pod}}"}}}}}
	d.Panels[0].GridPos.H, d.Panels[0].GridPos.W = 8, 8
	drawing := Drawing{From: 0, To: 60}
	picture := string(drawing.Draw(d, []Answers{{{points(map[string]string{"pod": "p"}, 1, 1, 1, 1, 1, 0)}}}))
	if !strings.Contains(picture, "H") || strings.Count(picture, "L") != 1 {
		t.Errorf("a level line is not one stroke:\n%s", picture)
	}
}

func TestFormat(t *testing.T) {
	for _, row := range []struct {
		value      float64
		unit, want string
	}{
		{0, "short", "0"}, {12, "", "12"}, {0.005, "s", "5 ms"}, {90, "s", "90 s"}, {0, "s", "0 s"},
		{512, "bytes", "512 B"}, {2048, "bytes", "2 KiB"}, {5 << 20, "bytes", "5 MiB"}, {1.5, "reqps", "1.5/s"},
	} {
		if have := format(row.value, row.unit); have != row.want {
			t.Errorf("%g %s is %q, want %q", row.value, row.unit, have, row.want)
		}
	}
}
