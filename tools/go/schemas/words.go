package main

import (
	"fmt"
	"path"
	"reflect"
	"strings"
)

const sdk = "github.com/grafana/grafana-foundation-sdk/go/"

// A word is a value of a type that the SDK names.
type word struct {
	path, home, kind string
	value            any
}

// wordsOf returns every string and number in a value whose type is one of the SDK's own.
func wordsOf(value any) []word {
	var found []word
	walk(reflect.ValueOf(value), "", &found)
	return found
}

func walk(value reflect.Value, place string, found *[]word) {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		walk(value.Elem(), place, found)
	case reflect.Struct:
		for at := range value.NumField() {
			field := value.Type().Field(at)
			key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if key == field.Name {
				key = "" // one of several types that the value of a key may have
			}
			walk(value.Field(at), joined(place, key), found)
		}
	case reflect.Slice, reflect.Array:
		for at := range value.Len() {
			walk(value.Index(at), fmt.Sprintf("%s[%d]", place, at), found)
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			walk(value.MapIndex(key), joined(place, fmt.Sprint(key)), found)
		}
	case reflect.String, reflect.Int, reflect.Int64, reflect.Uint8:
		if kind := value.Type(); strings.HasPrefix(kind.PkgPath(), sdk) {
			*found = append(*found, word{place, path.Base(kind.PkgPath()), kind.Name(), value.Interface()})
		}
	}
}

func joined(place, key string) string {
	if place == "" || key == "" {
		return place + key
	}
	return place + "." + key
}
