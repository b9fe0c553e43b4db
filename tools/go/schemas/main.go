// Command schemas checks files by the types of the programs that read them, and tells each fault with its place:
//
//	schemas dashboards FILE...   a dashboard's JSON, by Grafana's Foundation SDK: unknown keys, wrong types, absent fields
//	schemas alerts FILE...       rule groups as Grafana provisions them, likewise
//	schemas compose FILE...      by the loader of `docker compose` with its schema, all profiles on
//
// The SDK's types do not tell which words a field may hold. `schemas -words ...` therefore prints every value of a type
// that the SDK names, for a caller who knows its words: file, place, package, type and value, between tabs. A file with
// faults has none.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
)

// A fault is told once; its path is that of the file.
type fault struct{ path, message string }

// A check returns what a file holds, as typed values, and what is wrong with it.
type check func(file string) (any, []fault)

func main() {
	words := flag.Bool("words", false, "print values of the SDK's types in place of faults")
	flag.Parse()
	kinds := map[string]check{"dashboards": dashboards, "alerts": alerts, "compose": compose}
	read, known := kinds[flag.Arg(0)]
	if !known || flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: schemas [-words] dashboards|alerts|compose FILE...")
		os.Exit(2)
	}
	wrong := false
	for _, file := range flag.Args()[1:] {
		value, faults := read(file)
		if *words && len(faults) == 0 {
			for _, one := range wordsOf(value) {
				fmt.Printf("%s\t%s\t%s\t%s\t%v\n", file, one.path, one.home, one.kind, one.value)
			}
		}
		if *words {
			continue
		}
		for _, one := range faults {
			fmt.Printf("%s: %s: %s\n", file, one.path, strings.Join(strings.Fields(one.message), " "))
			wrong = true
		}
	}
	if wrong {
		os.Exit(1)
	}
}

// told splits an error of the SDK's into its places.
func told(err error) []fault {
	var places cog.BuildErrors
	if !errors.As(err, &places) {
		return single(err)
	}
	faults := make([]fault, len(places))
	for at, one := range places {
		faults[at] = fault{one.Path, one.Message}
	}
	slices.SortFunc(faults, func(a, b fault) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.message, b.message)) })
	return faults
}

// single returns an error as the one fault of a file; nothing of none.
func single(err error) []fault {
	if err == nil {
		return nil
	}
	return []fault{{"the file", err.Error()}}
}
