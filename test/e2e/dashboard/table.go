package dashboard

import (
	"fmt"
	"slices"
	"strings"
)

// rowOf is one revision, or what the table has instead.
type rowOf struct {
	key   [3]string // namespace, revision, reason
	cells map[int]float64
}

// merge puts the answers together as Grafana's transformation does: by those
// labels that two rows both have.
func merge(answers Answers) []*rowOf {
	var rows []*rowOf
	byName := map[[2]string]*rowOf{}
	for i, samples := range answers {
		for _, sample := range samples {
			name := [2]string{sample.Labels["k8s_namespace_name"], sample.Labels["kn_revision_name"]}
			reason := sample.Labels["reason"]
			row := byName[name]
			if row == nil || (i == 0 && row.key[2] != reason) {
				row = &rowOf{[3]string{name[0], name[1], reason}, map[int]float64{}}
				byName[name] = row
				rows = append(rows, row)
			}
			row.cells[i] = sample.Values[0]
		}
	}
	slices.SortFunc(rows, func(a, b *rowOf) int {
		if a.cells[0] != b.cells[0] {
			return int(a.cells[0]) - int(b.cells[0])
		}
		return strings.Compare(strings.Join(a.key[:], "/"), strings.Join(b.key[:], "/"))
	})
	return rows
}

// table draws as many rows as there is room for, as Grafana does before one
// scrolls.
func (w *Drawing) table(panel Panel, answers Answers, b box) {
	const height = 15.0
	columns := []float64{8, 130, 330}
	for i := range panel.Targets {
		columns = append(columns, 560+85*float64(i))
	}
	write := func(y float64, attributes string, texts []string) {
		for i, text := range texts {
			w.text(b.x+columns[i], y, attributes, text)
		}
	}
	head := []string{"Namespace", "Revision", "Reason"}
	for _, target := range panel.Targets {
		head = append(head, target.LegendFormat)
	}
	y := b.y + 12
	write(y, ` font-weight="bold"`, head)
	rows := merge(answers)
	room := int((b.h-12)/height) - 1
	for i, row := range rows[:min(len(rows), room)] {
		y += height
		fmt.Fprintf(&w.out, "<path d=\"M%.0f %.0fh%.0f\" stroke=\"#eee\"/>\n", b.x, y-11, b.w)
		texts := slices.Clone(row.key[:])
		for j := range panel.Targets {
			text := ""
			if value, there := row.cells[j]; there {
				unit := ""
				if strings.HasPrefix(head[3+j], "Held") || strings.HasSuffix(head[3+j], "ago") {
					unit = "s"
				}
				text = format(value, unit)
			}
			texts = append(texts, text)
		}
		if i == room-1 && len(rows) > room {
			texts = []string{fmt.Sprintf("and %d more", len(rows)-i)}
		}
		write(y, "", texts)
	}
}
