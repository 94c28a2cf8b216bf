package dashboard

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"regexp"
	"strings"

	"autoscaler-keda-hpa/e2e/cluster"
)

// Answers are what Prometheus said to a panel, target by target.
type Answers [][]cluster.Sample

const (
	column, line  = 50.0, 20.0 // of Grafana's grid
	margin, title = 6.0, 18.0
	axis          = 44.0
	letter        = 5.0 // width of one, about
	legendLine    = 12.0
)

var palette = []string{"#3b7dd8", "#e0752d", "#3f9b4f", "#c4162a", "#8f5bbd", "#b8860b", "#0a8f8f",
	"#d6489c", "#5f6f7f", "#7fa82e", "#174a8c", "#93460d"}

// Drawing is a picture of a dashboard between two moments.
type Drawing struct {
	From, To float64 // seconds since the epoch
	out      bytes.Buffer
}

// Draw draws the panels, in their places.
func (w *Drawing) Draw(d *Dashboard, answers []Answers) []byte {
	height := 0
	for _, panel := range d.Panels {
		height = max(height, panel.GridPos.Y+panel.GridPos.H)
	}
	fmt.Fprintf(&w.out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 %d" font-family="sans-serif" font-size="10" fill="#333">`+"\n", height*line)
	fmt.Fprintf(&w.out, "<rect width=\"1200\" height=\"%d\" fill=\"#f4f5f5\"/>\n", height*line)
	for i, panel := range d.Panels {
		w.panel(panel, answers[i])
	}
	w.out.WriteString("</svg>\n")
	return w.out.Bytes()
}

func (w *Drawing) text(x, y float64, attributes, text string) {
	fmt.Fprintf(&w.out, "<text x=\"%.0f\" y=\"%.0f\"%s>%s</text>\n", x, y, attributes, html.EscapeString(text))
}

// box is a part of the picture, in its own units.
type box struct{ x, y, w, h float64 }

func (w *Drawing) panel(panel Panel, answers Answers) {
	at := panel.GridPos
	b := box{float64(at.X)*column + margin/2, float64(at.Y)*line + margin/2,
		float64(at.W)*column - margin, float64(at.H)*line - margin}
	if panel.Type == "row" {
		w.text(b.x+2, b.y+12, ` font-size="13" font-weight="bold"`, panel.Title)
		return
	}
	fmt.Fprintf(&w.out, "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill=\"#fff\" stroke=\"#ddd\"/>\n", b.x, b.y, b.w, b.h)
	w.text(b.x+6, b.y+13, ` font-weight="bold"`, panel.Title)
	b.y, b.h = b.y+title, b.h-title
	switch panel.Type {
	case "stat":
		w.stat(panel, answers, b)
	case "table":
		w.table(panel, answers, b)
	default:
		w.series(panel, answers, b)
	}
}

func (w *Drawing) stat(panel Panel, answers Answers, b box) {
	text := "no data"
	if len(answers) > 0 && len(answers[0]) > 0 {
		text = format(answers[0][0].Values[0], panel.FieldConfig.Defaults.Unit)
	}
	w.text(b.x+b.w/2, b.y+b.h/2+10, ` font-size="30" text-anchor="middle"`, text)
}

// ---- lines over time

// curve is one series with its name.
type curve struct {
	name   string
	sample cluster.Sample
}

var placeholder = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

func legend(pattern string, labels map[string]string) string {
	return strings.TrimSpace(placeholder.ReplaceAllStringFunc(pattern, func(part string) string {
		return labels[placeholder.FindStringSubmatch(part)[1]]
	}))
}

func curves(panel Panel, answers Answers) []curve {
	var all []curve
	for i, target := range panel.Targets {
		for _, sample := range answers[i] {
			all = append(all, curve{legend(target.LegendFormat, sample.Labels), sample})
		}
	}
	return all
}

func (w *Drawing) series(panel Panel, answers Answers, b box) {
	all := curves(panel, answers)
	if panel.FieldConfig.Defaults.Custom.Stacking.Mode == "normal" {
		stack(all)
	}
	most := 0.0
	for _, c := range all {
		for _, value := range c.sample.Values {
			if !math.IsNaN(value) && !math.IsInf(value, 0) {
				most = max(most, value)
			}
		}
	}
	scale := 1.0
	if panel.FieldConfig.Defaults.Unit == "bytes" {
		scale = math.Pow(1024, math.Floor(math.Log2(max(most, 1))/10))
	}
	most = scale * ceiling(most/scale)
	b.h -= w.legends(all, b)
	plot := box{b.x + axis, b.y + 4, b.w - axis - 8, b.h - 20}
	w.axes(plot, most, panel.FieldConfig.Defaults.Unit)
	for i, c := range all {
		w.curve(plot, c.sample, most, palette[i%len(palette)])
	}
}

// stack adds up what is drawn one above the other.
func stack(all []curve) {
	sums := map[float64]float64{}
	for _, c := range all {
		for i, at := range c.sample.Times {
			sums[at] += c.sample.Values[i]
			c.sample.Values[i] = sums[at]
		}
	}
}

// ceiling is the next round number.
func ceiling(value float64) float64 {
	if value <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, step := range []float64{1, 2, 3, 5, 10} {
		if value <= step*power {
			return step * power
		}
	}
	return value
}

func (w *Drawing) axes(plot box, most float64, unit string) {
	for i := range 3 {
		y := plot.y + plot.h*float64(i)/2
		fmt.Fprintf(&w.out, "<path d=\"M%.0f %.1fh%.0f\" stroke=\"#e5e5e5\"/>\n", plot.x, y, plot.w)
		w.text(plot.x-4, y+3, ` text-anchor="end" font-size="9"`, format(most*float64(2-i)/2, unit))
	}
	for minute := 0.0; minute*60 <= w.To-w.From; minute++ {
		x := plot.x + plot.w*minute*60/(w.To-w.From)
		w.text(x, plot.y+plot.h+11, ` text-anchor="middle" font-size="9"`, fmt.Sprintf("%.0f min", minute))
	}
}

// curve draws a line, with gaps where there was no value, and only the corners.
func (w *Drawing) curve(plot box, s cluster.Sample, most float64, color string) {
	fmt.Fprintf(&w.out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.3\" d=\"", color)
	last := math.Inf(-1)
	lastY, pending := "", ""
	for i, at := range s.Times {
		if math.IsNaN(s.Values[i]) || math.IsInf(s.Values[i], 0) {
			continue
		}
		x := fmt.Sprintf("%.0f", plot.x+plot.w*(at-w.From)/(w.To-w.From))
		y := fmt.Sprintf("%.1f", plot.y+plot.h*(1-s.Values[i]/most))
		switch {
		case at-last > 10:
			w.out.WriteString(pending + "M" + x + " " + y)
			pending = ""
		case y == lastY:
			pending = "H" + x
		default:
			w.out.WriteString(pending + "L" + x + " " + y)
			pending = ""
		}
		last, lastY = at, y
	}
	w.out.WriteString(pending + "\"/>\n")
}

// legends writes the names below, and tells how high they are.
func (w *Drawing) legends(all []curve, b box) float64 {
	const rows = 3
	type entry struct{ x, row float64 }
	var entries []entry
	x, row := 0.0, 0.0
	for i, c := range all {
		width := 14 + letter*float64(len(c.name))
		if x > 0 && x+width > b.w-12 {
			x, row = 0, row+1
		}
		if row == rows {
			all = all[:i]
			break
		}
		entries = append(entries, entry{x, row})
		x += width
	}
	if len(all) == 0 {
		return 0
	}
	height := legendLine * (entries[len(entries)-1].row + 1)
	for i, e := range entries {
		y := b.y + b.h - height + legendLine*e.row + 6
		fmt.Fprintf(&w.out, "<rect x=\"%.0f\" y=\"%.0f\" width=\"7\" height=\"3\" fill=\"%s\"/>\n", b.x+8+e.x, y-4, palette[i%len(palette)])
		w.text(b.x+17+e.x, y, ` font-size="9"`, all[i].name)
	}
	return height + 2
}

// format writes a value as Grafana's unit asks.
func format(value float64, unit string) string {
	switch {
	case unit == "bytes" && value >= 1<<20:
		return fmt.Sprintf("%.3g MiB", value/(1<<20))
	case unit == "bytes" && value >= 1<<10:
		return fmt.Sprintf("%.3g KiB", value/(1<<10))
	case unit == "bytes":
		return fmt.Sprintf("%.0f B", value)
	case unit == "s" && value != 0 && math.Abs(value) < 1:
		return fmt.Sprintf("%.3g ms", value*1000)
	case unit == "s":
		return fmt.Sprintf("%.3g s", value)
	case unit == "reqps":
		return fmt.Sprintf("%.3g/s", value)
	}
	return fmt.Sprintf("%.4g", value)
}
