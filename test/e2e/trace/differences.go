package trace

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Differences are those that test/cluster/DIFFERENCES.md lists, each with its
// reason. A row of its table is
//
//	| `request` | `where` | why |
//
// where * stands for any text. A reason that begins with "at times" is for a
// difference that is not always there.
type Differences struct {
	path string
	rows []*row
}

type row struct {
	line           int
	request, where *regexp.Regexp
	text           string
	needed         bool // to be found each time
	used           bool
}

// LoadDifferences reads the rows.
func LoadDifferences(path string) (*Differences, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := &Differences{path: path}
	for i, line := range strings.Split(string(data), "\n") {
		cells := strings.Split(line, "|")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		if len(cells) != 5 || strings.TrimSpace(cells[3]) == "" {
			return nil, fmt.Errorf("%s:%d: want | `request` | `where` | why |", path, i+1)
		}
		d.rows = append(d.rows, &row{line: i + 1, request: glob(cells[1]), where: glob(cells[2]), text: line,
			needed: !strings.HasPrefix(strings.TrimSpace(cells[3]), "at times")})
	}
	return d, nil
}

func glob(cell string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(strings.Trim(cell, " `"))
	return regexp.MustCompile("^" + strings.ReplaceAll(pattern, `\*`, ".*") + "$")
}

func (d *Differences) find(step Step, difference Difference) *row {
	for _, row := range d.rows {
		if row.where.MatchString(difference.Where) && row.request.MatchString(step.Method+" "+step.Path) {
			return row
		}
	}
	return nil
}

// without are the differences that are not listed.
func (d *Differences) without(step Step, differences []Difference) []Difference {
	var open []Difference
	for _, difference := range differences {
		if d.find(step, difference) == nil {
			open = append(open, difference)
		}
	}
	return open
}

// use notes which rows are needed.
func (d *Differences) use(step Step, differences []Difference) {
	for _, difference := range differences {
		if row := d.find(step, difference); row != nil {
			row.used = true
		}
	}
}

// Unused are the rows whose difference was not found.
func (d *Differences) Unused() []string {
	var unused []string
	for _, row := range d.rows {
		if row.needed && !row.used {
			unused = append(unused, fmt.Sprintf("%s:%d: %s", d.path, row.line, row.text))
		}
	}
	return unused
}
