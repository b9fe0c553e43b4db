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

// The panels and queries that our boards are made of. All that the SDK knows would take twice as long to build; what is
// not among them is a fault, never passed over.
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
	return board, append(faults, unknown(board)...)
}

// read returns a value and what is wrong with it. The SDK's strict reader tells every fault, but returns an error when
// there is none (an empty list of them), and by it loses panels and queries: a second, lenient reading keeps the value.
func read[T interface{ Validate() error }, P interface {
	*T
	UnmarshalJSONStrict(raw []byte) error
}](text []byte) (value T, faults []fault) {
	faults = told(P(new(T)).UnmarshalJSONStrict(text))
	if err := json.Unmarshal(text, &value); err != nil && len(faults) == 0 {
		faults = single(err)
	}
	return value, append(faults, told(value.Validate())...)
}

// unknown tells of panels and queries that were read without a type of their own.
func unknown(board dashboard.Dashboard) (faults []fault) {
	for at, one := range board.Panels {
		if one.Panel == nil {
			continue
		}
		place := fmt.Sprintf("panels[%d]", at)
		if _, known := cog.NewRuntime().ConfigForPanelcfgVariant(one.Panel.Type); !known {
			faults = append(faults, fault{place + ".type", fmt.Sprintf("no type for a panel %q", one.Panel.Type)})
		}
		for number, target := range one.Panel.Targets {
			faults = append(faults, untyped(fmt.Sprintf("%s.targets[%d]", place, number), target)...)
		}
	}
	return faults
}

func untyped(place string, query variants.Dataquery) []fault {
	switch query.(type) {
	case variants.UnknownDataquery, *variants.UnknownDataquery:
		return []fault{{place + ".datasource.type", "no type for such a query"}}
	}
	return nil
}
