package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

// compose loads a file as `docker compose --profile "*"` does, without variables of the environment. What the loader only
// warns of (a variable that is not set, a key that has no effect) is a fault here.
func compose(file string) (any, []fault) {
	var said bytes.Buffer
	logrus.SetOutput(&said)
	logrus.SetFormatter(&logrus.TextFormatter{DisableTimestamp: true})
	details := types.ConfigDetails{
		WorkingDir:  filepath.Dir(file),
		ConfigFiles: []types.ConfigFile{{Filename: file}},
		Environment: types.Mapping{},
	}
	_, err := loader.LoadWithContext(context.Background(), details, loader.WithProfiles([]string{"*"}))
	faults := single(err)
	for _, line := range strings.Split(strings.TrimSpace(said.String()), "\n") {
		if line != "" {
			faults = append(faults, fault{"the file", line})
		}
	}
	return nil, faults
}
