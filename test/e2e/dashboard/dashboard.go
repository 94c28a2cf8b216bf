// Package dashboard reads the Grafana dashboard of config/monitoring and draws
// its panels, as far as that dashboard makes use of Grafana.
package dashboard

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Dashboard is what Grafana reads.
type Dashboard struct {
	Title  string
	Panels []Panel
}

// Panel is a picture, a table, a number, or the title of those below it.
type Panel struct {
	Title, Type string
	GridPos     struct{ H, W, X, Y int }
	FieldConfig struct {
		Defaults struct {
			Unit   string
			Custom struct{ Stacking struct{ Mode string } }
		}
	}
	Targets []Target
}

// Target is one question to Prometheus; Expr is as Grafana would send it.
type Target struct{ Expr, LegendFormat string }

// RateInterval is what takes the place of $__rate_interval.
const RateInterval = 15 * time.Second

// Read reads the dashboard of that configuration folder.
func Read(config string) (*Dashboard, error) {
	path := filepath.Join(config, "monitoring", "dashboard.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var d Dashboard
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	interval := fmt.Sprintf("%ds", int(RateInterval.Seconds()))
	for i := range d.Panels {
		for j := range d.Panels[i].Targets {
			expr := &d.Panels[i].Targets[j].Expr
			*expr = strings.ReplaceAll(*expr, "$__rate_interval", interval)
		}
	}
	return &d, nil
}
