package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// plot is a picture of figures over the number of revisions, both axes
// logarithmic: what grows in proportion is a straight line.
type plot struct {
	file, title, unit string
	curves            []curve
}

// curve is one series. A goal is drawn dashed, what others published as dots.
type curve struct {
	name, class string // of the style sheet
	points      [][2]float64
}

// What the Go controller, tuned (no client-side rate limit to speak of, 16
// workers), took on two cores for the same PodAutoscalers.
var goReady, goCPU, goMemory = [][2]float64{{1000, 27}, {10000, 289}},
	[][2]float64{{1000, 6.5}, {10000, 52}}, [][2]float64{{1000, 99}, {10000, 449}}

func (r *Report) plots() []plot {
	of := func(figure func(*Result) float64) (points [][2]float64) {
		for _, x := range r.Results {
			if x.Scenario == "create" {
				points = append(points, [2]float64{float64(x.Revisions), figure(x)})
			}
		}
		return points
	}
	floor := of((*Result).floor)
	memoryGoal := [][2]float64{{1000, mostMemory[1000]}, {10000, mostMemory[10000]}}
	all := []plot{
		{"performance-ready.svg", "Created at once, until all are ready", "s", []curve{
			{"this program", "ours", of(func(x *Result) float64 { return x.Wall })},
			{"floor", "floor", floor},
			{"goal: 1.3 x floor", "goal", scaled(floor, mostRatio)},
			{"the Go controller, tuned", "go", goReady}}},
		{"performance-cpu.svg", "CPU of the controller for that", "s", []curve{
			{"this program", "ours", of(func(x *Result) float64 { return x.CPU })},
			{"goal: 1.3 s per 1,000", "goal", of(func(x *Result) float64 { return mostCPU * float64(x.Revisions) / 1000 })},
			{"the Go controller, tuned", "go", goCPU}}},
		{"performance-memory.svg", "Memory with all of them", "MB", []curve{
			{"this program, RSS", "ours", of(func(x *Result) float64 { return x.Memory.Total })},
			{"of this anonymous", "floor", of(func(x *Result) float64 { return x.Memory.Anonymous })},
			{"goal", "goal", memoryGoal},
			{"the Go controller, tuned", "go", goMemory}}},
	}
	if len(floor) < 2 {
		return nil // no line through less
	}
	return all
}

func scaled(points [][2]float64, by float64) (out [][2]float64) {
	for _, p := range points {
		out = append(out, [2]float64{p[0], p[1] * by})
	}
	return out
}

// The picture's own units, and its colours in light and dark.
const (
	width, height          = 640.0, 320.0
	left, right, top, foot = 56.0, 200.0, 34.0, 40.0

	style = `<style>
text{font:12px sans-serif;fill:#24292f}.t{font-weight:bold;font-size:14px}path.grid{stroke:#d0d7de;stroke-width:1}
path{fill:none;stroke-width:2}.goal{stroke-dasharray:6 4}path.go{stroke-dasharray:2 3}
.ours{stroke:#0969da}.floor{stroke:#57606a}.goal{stroke:#1a7f37}.go{stroke:#bc4c00}
circle.ours{fill:#0969da}circle.floor{fill:#57606a}circle.goal{fill:#1a7f37}circle.go{fill:#bc4c00}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}path.grid{stroke:#30363d}
.ours{stroke:#58a6ff}.floor{stroke:#9da7b3}.goal{stroke:#3fb950}.go{stroke:#f0883e}
circle.ours{fill:#58a6ff}circle.floor{fill:#9da7b3}circle.goal{fill:#3fb950}circle.go{fill:#f0883e}}
</style>
`
)

// axis maps values to places, by their logarithms.
type axis struct{ from, to, start, length float64 }

func (a axis) at(value float64) float64 {
	return a.start + a.length*math.Log(value/a.from)/math.Log(a.to/a.from)
}

// axisFor spans whole steps of 1, 2, 5, 10 around all values above 0.
func (p plot) axisFor(i int, start, length float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, c := range p.curves {
		for _, point := range c.points {
			if point[i] > 0 {
				low, high = min(low, point[i]), max(high, point[i])
			}
		}
	}
	a := axis{step(low, -1), step(high, 1), start, length}
	if a.to <= a.from {
		a.to = a.from * 10
	}
	return a
}

// step is the next of …, 1, 2, 5, 10, … that is not above (-1) or below (1).
func step(value float64, direction int) float64 {
	power := math.Pow(10, math.Floor(math.Log10(value)))
	steps := []float64{1, 2, 5, 10}
	for i, s := range steps {
		if value <= s*power*(1+1e-9) {
			if direction < 0 && value < s*power*(1-1e-9) {
				return steps[i-1] * power
			}
			return s * power
		}
	}
	return 10 * power
}

func (a axis) ticks() (all []float64) {
	for power := math.Pow(10, math.Floor(math.Log10(a.from))); power <= a.to; power *= 10 {
		for _, s := range []float64{1, 2, 5} {
			if v := s * power; v >= a.from*(1-1e-9) && v <= a.to*(1+1e-9) {
				all = append(all, v)
			}
		}
	}
	return all
}

func (p plot) draw() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`+"\n",
		width, height, html.EscapeString(p.title))
	out.WriteString(style)
	x := p.axisFor(0, left, width-left-right)
	y := p.axisFor(1, height-foot, top+foot-height)
	text := func(x, y float64, more, text string) {
		fmt.Fprintf(&out, "<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>\n", x, y, more, html.EscapeString(text))
	}
	text(left, 18, ` class="t"`, p.title+", "+p.unit)
	for _, v := range y.ticks() {
		fmt.Fprintf(&out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", left, y.at(v), width-right)
		text(left-6, y.at(v)+4, ` text-anchor="end"`, fmt.Sprintf("%g", v))
	}
	for _, v := range x.ticks() {
		fmt.Fprintf(&out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x.at(v), top, height-foot)
		text(x.at(v), height-foot+16, ` text-anchor="middle"`, thousands(int(v)))
	}
	text((left+width-right)/2, height-6, ` text-anchor="middle"`, "revisions")
	for i, c := range p.curves {
		c.draw(&out, x, y)
		row := top + 10 + 20*float64(i)
		fmt.Fprintf(&out, "<path class=\"%s\" d=\"M%.0f %.0fh22\"/>\n", c.class, width-right+12, row)
		text(width-right+40, row+4, "", c.name)
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func (c curve) draw(out *bytes.Buffer, x, y axis) {
	fmt.Fprintf(out, "<path class=\"%s\" d=\"", c.class)
	command := "M"
	for _, point := range c.points {
		if point[1] > 0 {
			fmt.Fprintf(out, "%s%.1f %.1f", command, x.at(point[0]), y.at(point[1]))
			command = "L"
		}
	}
	out.WriteString("\"/>\n")
	for _, point := range c.points {
		if point[1] > 0 && c.class != "goal" {
			fmt.Fprintf(out, "<circle class=\"%s\" r=\"3\" cx=\"%.1f\" cy=\"%.1f\"/>\n",
				c.class, x.at(point[0]), y.at(point[1]))
		}
	}
}
