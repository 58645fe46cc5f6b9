package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// makeForeign writes foreign.jsonl: checkpoints, proofs of leaves and of earlier trees that are made and
// signed by x/mod alone, in the form of the samples.
func makeForeign(folder string, count int) {
	const origin, most = "go.example/log", 70_000
	secret, vkey, err := note.GenerateKey(random, origin)
	if err != nil {
		panic(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		panic(err)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (all []tlog.Hash, err error) {
		for _, index := range indexes {
			all = append(all, stored[index])
		}
		return all, nil
	})
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	var entries [][]byte
	for at := int64(0); at < most; at++ {
		entry := make([]byte, random.Intn(40))
		random.Read(entry)
		added, err := tlog.StoredHashes(at, entry, reader)
		must(err)
		entries, stored = append(entries, entry), append(stored, added...)
	}
	texts := func(path []tlog.Hash) []string {
		all := []string{}
		for _, hash := range path {
			all = append(all, base64.StdEncoding.EncodeToString(hash[:]))
		}
		return all
	}
	file, err := os.Create(folder + "/foreign.jsonl")
	must(err)
	lines := json.NewEncoder(file)
	for ; count > 0; count-- {
		size := 1 + random.Int63n(1<<uint(1+random.Intn(16)))
		index, oldSize := random.Int63n(size), 1+random.Int63n(size)
		root, err := tlog.TreeHash(size, reader)
		must(err)
		oldRoot, err := tlog.TreeHash(oldSize, reader)
		must(err)
		text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, root)
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		must(err)
		path, err := tlog.ProveRecord(size, index, reader)
		must(err)
		consistency, err := tlog.ProveTree(size, oldSize, reader)
		must(err)
		proof := fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex %d\n%s\n%s", index,
			strings.Join(append(texts(path), ""), "\n"), signed)
		must(lines.Encode(map[string]interface{}{
			"origin": origin, "vkey": vkey, "note": string(signed), "size": size, "index": index,
			"leaf": base64.StdEncoding.EncodeToString(entries[index]), "proof": proof,
			"root": texts([]tlog.Hash{root})[0], "path": texts(path), "oldSize": oldSize,
			"oldRoot": texts([]tlog.Hash{oldRoot})[0], "consistency": texts(consistency),
		}))
	}
	must(file.Close())
}
