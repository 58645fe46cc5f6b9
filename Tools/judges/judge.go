// Judges the samples of proof-samples and the exported logs of stores.py with golang.org/x/mod/sumdb: all of
// them must be accepted, and nothing may be when one bit of it is changed. With a third word, makes as many
// checkpoints and proofs for our own verifier instead.
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
	Origin, VKey, Note, Root, Leaf, OldRoot, Proof string
	Size, Index, OldSize                           int64
	Path, Consistency                              []string
}

var random = rand.New(rand.NewSource(1))
var strict = base64.StdEncoding.Strict()

// tally counts what was judged, and says what went wrong.
type tally struct{ accepted, refused, failed int }

func (t *tally) accept(what string, err error) {
	if err != nil {
		fmt.Printf("FAILED %s: %v\n", what, err)
		t.failed++
	} else {
		t.accepted++
	}
}

func (t *tally) refuse(what string, err error) {
	if err == nil {
		fmt.Printf("FAILED %s: it was accepted with one bit of it changed\n", what)
		t.failed++
	} else {
		t.refused++
	}
}

func decode(text string) []byte {
	bytes, err := strict.DecodeString(text)
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
	bytes, err := strict.DecodeString(lines[2])
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

func flipped(bytes []byte) []byte {
	other := append([]byte{}, bytes...)
	other[random.Intn(len(other))] ^= 1 << uint(random.Intn(8))
	return other
}

func flippedHash(path []tlog.Hash) []tlog.Hash {
	other := append([]tlog.Hash{}, path...)
	place := random.Intn(len(path))
	copy(other[place][:], flipped(path[place][:]))
	return other
}

// flippedNote changes a bit up to the end of the log's own line, as this judge knows no other; and where that
// is. The last letter of the signature is left alone: it has bits that mean nothing, at which x/mod does not look.
func flippedNote(text string) (string, int) {
	signed := strings.Index(text, "\n\n") + 2
	signed += strings.Index(text[signed:], "\n")
	place := random.Intn(signed - 2)
	changed := []byte(text)
	changed[place] ^= 1 << uint(random.Intn(8))
	return string(changed), place
}

// flippedProof changes a bit of a .tlog-proof file outside of its extra line.
func flippedProof(text string) string {
	body := strings.Index(text, "\n\n") + 2
	index := strings.Index(text, "\nindex ")
	if random.Intn(2) == 0 {
		changed, _ := flippedNote(text[body:])
		return text[:body] + changed
	}
	return text[:index] + string(flipped([]byte(text[index:body-2]))) + text[body-2:]
}

func judgeCases(folder string, t *tally) {
	file, err := os.Open(folder + "/cases.jsonl")
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for line := 1; lines.Scan(); line++ {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			panic(err)
		}
		where := fmt.Sprintf("line %d, ", line)
		leaf, path, consistency := decode(s.Leaf), hashes(s.Path), hashes(s.Consistency)
		t.accept(where+"all of it", judge(s.Note, s, leaf, path, consistency))
		changed, _ := flippedNote(s.Note)
		t.refuse(where+"checkpoint", judge(changed, s, leaf, path, consistency))
		if len(leaf) > 0 {
			t.refuse(where+"leaf", judge(s.Note, s, flipped(leaf), path, consistency))
		}
		if len(path) > 0 {
			t.refuse(where+"path", judge(s.Note, s, leaf, flippedHash(path), consistency))
		}
		if len(consistency) > 0 {
			t.refuse(where+"consistency proof", judge(s.Note, s, leaf, path, flippedHash(consistency)))
		}
	}
}

func main() {
	if len(os.Args) == 3 {
		count, err := strconv.Atoi(os.Args[2])
		if err != nil {
			panic(err)
		}
		makeForeign(os.Args[1], count)
		return
	}
	failed := false
	for _, part := range []struct {
		name  string
		judge func(string, *tally)
	}{{"x/mod", judgeCases}, {"x/mod, logs of stores", judgeStores}} {
		var t tally
		part.judge(os.Args[1], &t)
		fmt.Printf("%s: %d accepted, %d changed ones refused, %d failed\n",
			part.name, t.accepted, t.refused, t.failed)
		failed = failed || t.failed > 0 || t.accepted == 0
	}
	if failed {
		os.Exit(1)
	}
}
