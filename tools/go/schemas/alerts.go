package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/alerting"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"go.yaml.in/yaml/v4"
)

// A file of rule groups, by the keys that Grafana's provisioning reads (pkg/services/provisioning/alerting/rules_types.go
// of grafana/grafana, of which the SDK holds only the HTTP API's form).
type provisioned struct {
	APIVersion int `yaml:"apiVersion"`
	Groups     []struct {
		OrgID    int64  `yaml:"orgId"`
		Name     string `yaml:"name"`
		Folder   string `yaml:"folder"`
		Interval string `yaml:"interval"`
		Rules    []rule `yaml:"rules"`
	} `yaml:"groups"`
}

type rule struct {
	UID           string            `yaml:"uid"`
	Title         string            `yaml:"title"`
	Condition     string            `yaml:"condition"`
	Data          []map[string]any  `yaml:"data"`
	DashboardUID  string            `yaml:"dashboardUid"`
	PanelID       int64             `yaml:"panelId"`
	NoDataState   string            `yaml:"noDataState"`
	ExecErrState  string            `yaml:"execErrState"`
	For           string            `yaml:"for"`
	KeepFiringFor string            `yaml:"keepFiringFor"`
	Missing       *int64            `yaml:"missing_series_evals_to_resolve"`
	Annotations   map[string]string `yaml:"annotations"`
	Labels        map[string]string `yaml:"labels"`
	IsPaused      bool              `yaml:"isPaused"`
}

func alerts(file string) (any, []fault) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, single(err)
	}
	var told provisioned
	if err := yaml.Load(text, &told, yaml.WithKnownFields()); err != nil {
		return nil, single(err)
	}
	var faults []fault
	if told.APIVersion != 1 {
		faults = append(faults, fault{"apiVersion", fmt.Sprintf("%d, not 1", told.APIVersion)})
	}
	groups := make([]alerting.RuleGroup, len(told.Groups))
	for at, one := range told.Groups {
		place := fmt.Sprintf("groups[%d]", at)
		interval, err := time.ParseDuration(one.Interval)
		if err != nil {
			faults = append(faults, fault{place + ".interval", err.Error()})
		}
		rules := make([]map[string]any, len(one.Rules))
		for number, rule := range one.Rules {
			rules[number] = rule.api(one.OrgID, one.Folder, one.Name)
			faults = append(faults, rule.alone(fmt.Sprintf("%s.rules[%d]", place, number))...)
		}
		api := map[string]any{"title": one.Name, "folderUid": one.Folder, "interval": int64(interval.Seconds()), "rules": rules}
		group, wrong := grouped(place, api)
		groups[at], faults = group, append(faults, wrong...)
	}
	return map[string]any{"groups": groups}, faults
}

// api returns a rule as the HTTP API takes it.
func (r rule) api(organisation int64, folder, group string) map[string]any {
	made := map[string]any{
		"uid": r.UID, "title": r.Title, "condition": r.Condition, "data": r.Data, "noDataState": r.NoDataState,
		"execErrState": r.ExecErrState, "for": r.For, "annotations": r.Annotations, "labels": r.Labels,
		"isPaused": r.IsPaused, "missingSeriesEvalsToResolve": r.Missing, "orgID": organisation, "folderUID": folder,
		"ruleGroup": group,
	}
	if r.KeepFiringFor != "" {
		made["keep_firing_for"] = r.KeepFiringFor
	}
	return made
}

// alone tells what Grafana refuses in a rule, and no type forbids.
func (r rule) alone(place string) (faults []fault) {
	for _, one := range []struct{ key, value string }{{"for", r.For}, {"keepFiringFor", r.KeepFiringFor}} {
		if _, err := time.ParseDuration(one.value); one.value != "" && err != nil {
			faults = append(faults, fault{place + "." + one.key, err.Error()})
		}
	}
	if (r.DashboardUID == "") != (r.PanelID == 0) {
		faults = append(faults, fault{place + ".panelId", "a panel and its dashboard are named together or not at all"})
	}
	names := map[any]bool{}
	for _, query := range r.Data {
		names[query["refId"]] = true
	}
	if !names[r.Condition] {
		faults = append(faults, fault{place + ".condition", fmt.Sprintf("no query is called %q", r.Condition)})
	}
	return faults
}

// grouped returns a group of the HTTP API's form, and what is wrong with it.
func grouped(place string, api map[string]any) (alerting.RuleGroup, []fault) {
	text, err := json.Marshal(api)
	if err != nil {
		return alerting.RuleGroup{}, single(err)
	}
	group, faults := read[alerting.RuleGroup](text)
	for at, rule := range group.Rules {
		for number, query := range rule.Data {
			if _, unknown := query.Model.(variants.UnknownDataquery); unknown {
				path := fmt.Sprintf("rules[%d].data[%d].model.datasource.type", at, number)
				faults = append(faults, fault{path, "no type for such a query"})
			}
		}
	}
	for at := range faults {
		faults[at].path = place + "." + faults[at].path
	}
	return group, faults
}
