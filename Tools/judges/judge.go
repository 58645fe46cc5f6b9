// Judges the samples of proof-samples with golang.org/x/mod/sumdb: every checkpoint and proof must be
// accepted, and none may be when one bit of it is changed.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type sample struct {
	Origin, VKey, Note, Root, Leaf, OldRoot string
	Size, Index, OldSize                    int64
	Path, Consistency                       []string
}

func decode(text string) []byte {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return bytes
}

func hash(text string) (h tlog.Hash) {
	copy(h[:], decode(text))
	return h
}

func hashes(texts []string) (all []tlog.Hash) {
	for _, text := range texts {
		all = append(all, hash(text))
	}
	return all
}

// checkpoint opens a note and reads size and root.
func checkpoint(text string, s sample) (size int64, root tlog.Hash, err error) {
	verifier, err := note.NewVerifier(s.VKey)
	if err != nil {
		return 0, root, err
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return 0, root, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != s.Origin {
		return 0, root, fmt.Errorf("another origin")
	}
	size, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, root, err
	}
	bytes, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(bytes) != len(root) {
		return 0, root, fmt.Errorf("no root")
	}
	copy(root[:], bytes)
	return size, root, nil
}

// judge says whether everything in a sample holds.
func judge(text string, s sample, leaf []byte, path, consistency []tlog.Hash) error {
	size, root, err := checkpoint(text, s)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, size, root, s.Index, tlog.RecordHash(leaf)); err != nil {
		return err
	}
	return tlog.CheckTree(consistency, size, root, s.OldSize, hash(s.OldRoot))
}

func flipped(bytes []byte, random *rand.Rand) []byte {
	other := append([]byte{}, bytes...)
	other[random.Intn(len(other))] ^= 1 << uint(random.Intn(8))
	return other
}

func flippedHash(path []tlog.Hash, random *rand.Rand) []tlog.Hash {
	other := append([]tlog.Hash{}, path...)
	place := random.Intn(len(path))
	copy(other[place][:], flipped(path[place][:], random))
	return other
}

func main() {
	file, err := os.Open(os.Args[1] + "/cases.jsonl")
	if err != nil {
		panic(err)
	}
	random := rand.New(rand.NewSource(1))
	accepted, refused, failed := 0, 0, 0
	mustRefuse := func(what string, line int, err error) {
		if err == nil {
			fmt.Printf("FAILED line %d: a changed %s was accepted\n", line, what)
			failed++
		} else {
			refused++
		}
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for line := 1; lines.Scan(); line++ {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			panic(err)
		}
		leaf, path, consistency := decode(s.Leaf), hashes(s.Path), hashes(s.Consistency)
		if err := judge(s.Note, s, leaf, path, consistency); err != nil {
			fmt.Printf("FAILED line %d: %v\n", line, err)
			failed++
			continue
		}
		accepted++
		// Up to the log's own line: others this judge does not know.
		signed := strings.Index(s.Note, "\n\n") + 2
		signed += strings.Index(s.Note[signed:], "\n") + 1
		changed := string(flipped([]byte(s.Note[:signed]), random)) + s.Note[signed:]
		mustRefuse("checkpoint", line, judge(changed, s, leaf, path, consistency))
		if len(leaf) > 0 {
			mustRefuse("leaf", line, judge(s.Note, s, flipped(leaf, random), path, consistency))
		}
		if len(path) > 0 {
			other := flippedHash(path, random)
			mustRefuse("path", line, judge(s.Note, s, leaf, other, consistency))
		}
		if len(consistency) > 0 {
			other := flippedHash(consistency, random)
			mustRefuse("consistency proof", line, judge(s.Note, s, leaf, path, other))
		}
	}
	fmt.Printf("x/mod: %d accepted, %d changed ones refused, %d failed\n", accepted, refused, failed)
	if failed > 0 || accepted == 0 {
		os.Exit(1)
	}
}
