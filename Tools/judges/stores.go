package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// stored is a line of stores.jsonl: a checkpoint, the folder of its tiles, and proofs under it.
type stored struct {
	sample
	Folder string
	Proofs []string
}

// height of tiles, as C2SP tlog-tiles has it.
const height = 8

// tiles reads the exported folder of a tree; a file may have other bytes than it has on the disk.
type tiles struct {
	folder, changed string
	bytes           []byte
}

func (t *tiles) file(name string) ([]byte, error) {
	if name == t.changed {
		return t.bytes, nil
	}
	return os.ReadFile(filepath.Join(t.folder, name))
}

// name is the path of a tile in C2SP tlog-tiles, which leaves out the height.
func name(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
}

// bundle is the path of the leaves of a tile of level 0.
func bundle(tile tlog.Tile) string {
	return "tile/entries/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/0/", height))
}

func (t *tiles) Height() int { return height }

func (t *tiles) ReadTiles(wanted []tlog.Tile) (all [][]byte, err error) {
	for _, tile := range wanted {
		data, err := t.file(name(tile))
		// A client may have the full tile where it asked for a part of one, and this folder may too.
		if err != nil && tile.W < 1<<height {
			full := tile
			full.W = 1 << height
			if data, err = t.file(name(full)); err == nil {
				data = data[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// allTiles are the tiles of a tree, and no others: those of its levels that are full, and one part of one each.
func allTiles(size int64) (all []tlog.Tile) {
	for level := 0; size > 0; level, size = level+1, size>>height {
		for first := int64(0); first < size; first += 1 << height {
			width := size - first
			if width > 1<<height {
				width = 1 << height
			}
			all = append(all, tlog.Tile{H: height, L: level, N: first >> height, W: int(width)})
		}
	}
	return all
}

// leaves of a bundle: each has its length, of 16 bits, before it.
func leaves(data []byte) (all [][]byte, err error) {
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("a bundle ends inside of a leaf")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		all, data = append(all, data[2:end]), data[end:]
	}
	return all, nil
}

// tileHashes are the hashes of a tile, as x/mod reads them.
func tileHashes(tree tlog.Tree, tile tlog.Tile, reader *tiles) ([]tlog.Hash, error) {
	var indexes []int64
	for i := int64(0); i < int64(tile.W); i++ {
		indexes = append(indexes, tlog.StoredHashIndex(tile.L*height, tile.N<<height+i))
	}
	return tlog.TileHashReader(tree, reader).ReadHashes(indexes)
}

// climb follows a tile up to the tree's root. TileHashReader of x/mod 0.6 (Debian 12) does not do that for every
// tile: it begins to compare full tiles with their parents behind as many tiles as the tree has subtrees at its
// right edge, although several of those may be in one tile.
func climb(tree tlog.Tree, tile tlog.Tile, own []tlog.Hash, reader *tiles) error {
	for len(own) == 1<<height {
		for len(own) > 1 {
			for i := 0; i < len(own)/2; i++ {
				own[i] = tlog.NodeHash(own[2*i], own[2*i+1])
			}
			own = own[:len(own)/2]
		}
		place := tile.N % (1 << height)
		parent := tlog.Tile{H: height, L: tile.L + 1, N: tile.N >> height, W: 1 << height}
		if there := tree.N>>(height*parent.L) - parent.N<<height; there < 1<<height {
			parent.W = int(there)
		}
		above, err := tileHashes(tree, parent, reader)
		if err != nil {
			return err
		}
		if above[place] != own[0] {
			return fmt.Errorf("%s is not below %s", name(tile), name(parent))
		}
		tile, own = parent, above
	}
	return nil
}

// judgeTile reads every hash of a tile, and the leaves under one of level 0, by way of the tree's root.
func judgeTile(tree tlog.Tree, tile tlog.Tile, reader *tiles) error {
	hashes, err := tileHashes(tree, tile, reader)
	if err == nil {
		err = climb(tree, tile, append([]tlog.Hash(nil), hashes...), reader)
	}
	if err != nil || tile.L > 0 {
		return err
	}
	data, err := reader.file(bundle(tile))
	if err != nil {
		return err
	}
	entries, err := leaves(data)
	if err != nil || len(entries) != len(hashes) {
		return fmt.Errorf("%d leaves in the place of %d: %v", len(entries), len(hashes), err)
	}
	for i, entry := range entries {
		if tlog.RecordHash(entry) != hashes[i] {
			return fmt.Errorf("leaf %d of the bundle is another", i)
		}
	}
	return nil
}

// judgeProof judges a .tlog-proof file whose extra line holds the leaf: that of the record, or of the
// statement by whose root the record is in its stream.
func judgeProof(text string, s sample, flip func([]byte) []byte) error {
	parts := strings.SplitN(text, "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) < 2 || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("no proof")
	}
	extra, err := strict.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil || len(extra) < 56 {
		return fmt.Errorf("no leaf")
	}
	leaf := extra[4:56]
	if extra[1] != 0 {
		at := 56 + 32*int(binary.LittleEndian.Uint16(extra[2:]))
		if len(extra) < at+52 {
			return fmt.Errorf("no leaf of a statement")
		}
		leaf = extra[at : at+52]
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil || strings.TrimPrefix(lines[2], "index ") != strconv.FormatInt(index, 10) {
		return fmt.Errorf("no index")
	}
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		one, err := strict.DecodeString(line)
		if err != nil || len(one) != tlog.HashSize {
			return fmt.Errorf("no hash")
		}
		var hash tlog.Hash
		copy(hash[:], one)
		path = append(path, hash)
	}
	size, root, err := checkpoint(parts[1], s)
	if err != nil {
		return err
	}
	if index >= size {
		return fmt.Errorf("no leaf of this tree")
	}
	return tlog.CheckRecord(path, size, root, index, tlog.RecordHash(flip(leaf)))
}

func same(bytes []byte) []byte { return bytes }

// judgeStores judges the logs that the real program has exported.
func judgeStores(folder string, t *tally) {
	text, err := os.ReadFile(folder + "/stores/stores.jsonl")
	if err != nil {
		panic(err)
	}
	var before stored
	var old tlog.Tree
	for number, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var s stored
		if err := json.Unmarshal(line, &s); err != nil {
			panic(err)
		}
		where := fmt.Sprintf("checkpoint %d of the stores", number+1)
		size, root, err := checkpoint(s.Note, s.sample)
		t.accept(where, err)
		changed, _ := flippedNote(s.Note)
		_, _, err = checkpoint(changed, s.sample)
		t.refuse(where, err)
		tree := tlog.Tree{N: size, Hash: root}
		all := allTiles(size)
		for i, tile := range all {
			// Of a large log, the tiles of every size are too many: those at its end, and some before.
			if i >= 4 && i < len(all)-4 && random.Intn(len(all)) >= 8 {
				continue
			}
			t.accept(where+", "+name(tile), judgeTile(tree, tile, &tiles{folder: s.Folder}))
			files := []string{name(tile)}
			if tile.L == 0 {
				files = append(files, bundle(tile))
			}
			for _, file := range files {
				reader := &tiles{folder: s.Folder}
				data, err := reader.file(file)
				if err != nil {
					t.accept(where+", "+file, err)
					continue
				}
				reader.changed, reader.bytes = file, flipped(data)
				t.refuse(where+", "+file, judgeTile(tree, tile, reader))
			}
		}
		reader := tlog.TileHashReader(tree, &tiles{folder: s.Folder})
		index := random.Int63n(size)
		path, err := tlog.ProveRecord(size, index, reader)
		t.accept(where+", a proof from its tiles", err)
		hash, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		t.accept(where+", a leaf from its tiles", err)
		t.accept(where+", a proof", tlog.CheckRecord(path, size, root, index, hash[0]))
		if before.Folder == s.Folder {
			proof, err := tlog.ProveTree(size, old.N, reader)
			t.accept(where+", consistency from its tiles", err)
			t.accept(where+", consistency", tlog.CheckTree(proof, size, root, old.N, old.Hash))
			if len(proof) > 0 {
				t.refuse(where+", consistency",
					tlog.CheckTree(flippedHash(proof), size, root, old.N, old.Hash))
			}
		}
		before, old = s, tree
		for _, proof := range s.Proofs {
			t.accept(where+", a .tlog-proof", judgeProof(proof, s.sample, same))
			t.refuse(where+", the leaf of a .tlog-proof", judgeProof(proof, s.sample, flipped))
			t.refuse(where+", a .tlog-proof", judgeProof(flippedProof(proof), s.sample, same))
		}
	}
}
