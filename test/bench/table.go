package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is rows of cells, the first its head; the same one is printed for
// people and written into the documentation.
type table [][]string

// text writes the columns flush.
func (t table) text(w io.Writer) {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t {
		var line strings.Builder
		for i, cell := range row {
			fill := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString(cell + fill)
			} else {
				line.WriteString("  " + fill + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
	fmt.Fprintln(w)
}

// markdown writes the first column left, the others right.
func (t table) markdown(w io.Writer) {
	for i, row := range t {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(w, "|---|%s\n", strings.Repeat("---:|", len(row)-1))
		}
	}
	fmt.Fprintln(w)
}

// names of the scenarios for people.
var names = map[string]string{
	"create":       "created at once, until ready",
	"restart":      "restart",
	"edits":        "edits",
	"global":       "a default of all changes",
	"nothing":      "a default of none changes",
	"single":       "PodAutoscaler to ScaledObject",
	"single-ready": "HPA and ServerlessService there to ready",
}

func number(value float64, digits int) string {
	if math.IsNaN(value) {
		return ""
	}
	return fmt.Sprintf("%.*f", digits, value)
}

func seconds(value float64) string { return number(value, 1+map[bool]int{value < 10: 1}[true]) }

func (r *Report) goalTable() table {
	t := table{{"goal", "at most", "measured", ""}}
	for _, g := range r.Goals {
		verdict, digits := "met", 1
		if !g.Met {
			verdict = "missed"
		}
		if g.Unit == "s" || (g.Unit == "" && g.Most > 0) {
			digits = 2
		}
		unit := strings.TrimRight(" "+g.Unit, " ")
		t = append(t, []string{g.What, fmt.Sprintf("%g", g.Most) + unit, number(g.Have, digits) + unit, verdict})
	}
	return t
}

func (r *Report) costTable() table {
	t := table{{"scenario", "revisions", "wall s", "floor s", "ratio", "CPU s", "RSS MB", "anonymous", "file", "peak",
		"MB in", "MB out", "writes"}}
	for _, x := range r.Results {
		if x.Requests == nil {
			continue
		}
		var floors []string
		for _, floor := range x.Floors {
			floors = append(floors, seconds(floor))
		}
		traffic := []string{"", ""}
		if x.MBIn > 0 {
			traffic = []string{number(x.MBIn, 1), number(x.MBOut, 1)}
		}
		wall := seconds(x.Wall)
		if x.Wall == 0 {
			wall = ""
		}
		row := []string{names[x.Scenario], thousands(x.Revisions), wall, strings.Join(floors, ", "),
			number(x.ratio(), 2), seconds(x.CPU)}
		memory := []string{"", "", "", ""}
		if m := x.Memory; m.Total > 0 {
			memory = []string{number(m.Total, 1), number(m.Anonymous, 1), number(m.File, 1), number(m.Peak, 1)}
		}
		t = append(t, slices.Concat(row, memory, traffic, []string{thousands(x.Writes)}))
	}
	return t
}

func (r *Report) latencyTable() table {
	t := table{{"latency, ms", "revisions", "count", "p50", "p99", "max", "floor p50", "floor p99", "floor max"}}
	for _, x := range r.Results {
		if x.Latency == nil {
			continue
		}
		row := []string{names[x.Scenario], thousands(x.Revisions), thousands(x.Latency.Count)}
		for _, l := range []*Latency{x.Latency, x.FloorLatency} {
			row = append(row, number(l.P50, 1), number(l.P99, 1), number(l.Max, 1))
		}
		t = append(t, row)
	}
	return t
}

// requestTable has a column for each scenario at its largest size.
func (r *Report) requestTable() table {
	head, counts := []string{"requests"}, map[string]map[int]int{}
	for _, x := range r.Results {
		if x.Requests == nil || slices.ContainsFunc(r.Results, func(y *Result) bool {
			return y.Scenario == x.Scenario && y.Revisions > x.Revisions
		}) {
			continue
		}
		for what, count := range x.Requests {
			if counts[what] == nil {
				counts[what] = map[int]int{}
			}
			counts[what][len(head)] = count
		}
		head = append(head, x.Scenario+", "+thousands(x.Revisions))
	}
	t := table{head}
	var all []string
	for what := range counts {
		all = append(all, what)
	}
	slices.Sort(all)
	for _, what := range all {
		row := []string{what}
		for column := 1; column < len(head); column++ {
			text := ""
			if count := counts[what][column]; count > 0 {
				text = thousands(count)
			}
			row = append(row, text)
		}
		t = append(t, row)
	}
	return t
}

// noise tells which floors disagree.
func (r *Report) noise() string {
	var noisy []string
	for _, x := range r.Results {
		if x.noisy() {
			noisy = append(noisy, fmt.Sprintf("%s at %s", names[x.Scenario], thousands(x.Revisions)))
		}
	}
	if noisy == nil {
		return ""
	}
	return "The machine was noisy: two floors of the same writes differ by more than 15 % for " +
		strings.Join(noisy, "; ") + ".\n"
}

// tables are those with anything in them.
func (r *Report) tables() []table {
	all := []table{r.goalTable(), r.costTable(), r.latencyTable(), r.requestTable()}
	return slices.DeleteFunc(all, func(t table) bool { return len(t) < 2 })
}

func (r *Report) print(w io.Writer) {
	for _, t := range r.tables() {
		t.text(w)
	}
	fmt.Fprint(w, r.noise(), r.Machine, "\n")
}
