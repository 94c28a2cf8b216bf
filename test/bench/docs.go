package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

const (
	blockBegin = "<!-- bench: begin (hack/bench.sh -docs writes this) -->\n"
	blockEnd   = "<!-- bench: end -->\n"
)

// writeDocs rewrites the generated part of performance.md in a folder, and the
// plots beside it.
func (r *Report) writeDocs(dir string) error {
	path := filepath.Join(dir, "performance.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if text, err = replaceBlock(text, r.markdown()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	for _, p := range r.plots() {
		if err := os.WriteFile(filepath.Join(dir, p.file), p.draw(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func replaceBlock(text, block []byte) ([]byte, error) {
	begin, end := bytes.Index(text, []byte(blockBegin)), bytes.Index(text, []byte(blockEnd))
	if begin < 0 || end < begin {
		return nil, fmt.Errorf("no lines %q and %q", blockBegin, blockEnd)
	}
	return bytes.Join([][]byte{text[:begin+len(blockBegin)], block, text[end:]}, nil), nil
}

func (r *Report) markdown() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "\n%s\n\n", r.Machine)
	r.goalTable().markdown(&out)
	if note := r.noise(); note != "" {
		fmt.Fprintf(&out, "%s\n", note)
	}
	for _, p := range r.plots() {
		fmt.Fprintf(&out, "![%s](%s)\n", p.title, p.file)
	}
	fmt.Fprintln(&out)
	for _, t := range r.tables()[1:] {
		t.markdown(&out)
	}
	return out.Bytes()
}
