package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/expr"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// The panels and queries that our boards are made of. All that the SDK knows would take half as long again to build; what
// is not among them is a fault, never passed over.
func init() {
	runtime := cog.NewRuntime()
	for _, panel := range []variants.PanelcfgConfig{
		bargauge.VariantConfig(), heatmap.VariantConfig(), stat.VariantConfig(), statetimeline.VariantConfig(),
		table.VariantConfig(), timeseries.VariantConfig(),
	} {
		runtime.RegisterPanelcfgVariant(panel)
	}
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
	runtime.RegisterDataqueryVariant(expr.VariantConfig())
}

func dashboards(file string) (any, []fault) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, single(err)
	}
	board, faults := read[dashboard.Dashboard](text)
	faults = append(faults, fields(text)...)
	return board, append(faults, unknown(board)...)
}

// fields tells what is wrong with the fields of panels, of which the SDK's strict reader looks at `custom` alone, and
// with the kinds of their queries, which it takes from the panel.
func fields(text []byte) (faults []fault) {
	var board struct {
		Panels []struct {
			FieldConfig json.RawMessage
			Targets     []struct{ Datasource struct{ Type string } }
		}
	}
	if json.Unmarshal(text, &board) != nil {
		return nil // told by the strict reader
	}
	for at, panel := range board.Panels {
		place := fmt.Sprintf("panels[%d]", at)
		var source dashboard.FieldConfigSource
		for _, one := range told(source.UnmarshalJSONStrict(panel.FieldConfig)) {
			faults = append(faults, fault{place + ".fieldConfig." + one.path, one.message})
		}
		for number, target := range panel.Targets {
			if kind := target.Datasource.Type; kind != prometheus.VariantConfig().Identifier {
				path := fmt.Sprintf("%s.targets[%d].datasource.type", place, number)
				faults = append(faults, fault{path, fmt.Sprintf("no type for a query %q", kind)})
			}
		}
	}
	return faults
}

// read returns a value and what is wrong with it. The SDK's strict reader tells every fault, but returns an error when
// there is none (an empty list of them), and by it loses panels and queries: a second, lenient reading keeps the value.
func read[T interface{ Validate() error }, P interface {
	*T
	UnmarshalJSONStrict(raw []byte) error
}](text []byte) (value T, faults []fault) {
	faults = told(P(new(T)).UnmarshalJSONStrict(text))
	if err := json.Unmarshal(text, &value); err == nil {
		faults = append(faults, told(value.Validate())...)
	} else if len(faults) == 0 {
		faults = single(err)
	}
	return value, faults
}

// unknown tells of panels that were read without a type of their own.
func unknown(board dashboard.Dashboard) (faults []fault) {
	for at, one := range board.Panels {
		if one.Panel == nil {
			continue
		}
		if _, known := cog.NewRuntime().ConfigForPanelcfgVariant(one.Panel.Type); !known {
			path := fmt.Sprintf("panels[%d].type", at)
			faults = append(faults, fault{path, fmt.Sprintf("no type for a panel %q", one.Panel.Type)})
		}
	}
	return faults
}
