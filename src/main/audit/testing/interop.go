// Checks our files with golang.org/x/mod/sumdb (Debian: golang-golang-x-mod-dev), and makes some for us to check.
// interop check FOLDER: vkey, checkpoint, older, proof, consistency. interop make: JSON lines on standard output.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(name string) string {
	data, err := os.ReadFile(filepath.Join(os.Args[2], name))
	must(err)
	return string(data)
}

func hashOf(text string) tlog.Hash {
	data, err := base64.StdEncoding.DecodeString(text)
	must(err)
	var hash tlog.Hash
	if copy(hash[:], data) != tlog.HashSize {
		must(fmt.Errorf("a hash of %d bytes", len(data)))
	}
	return hash
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	must(err)
	return value
}

// open verifies a checkpoint's signature and gives its size and root.
func open(text string) (int64, tlog.Hash) {
	verifier, err := note.NewVerifier(strings.TrimSpace(read("vkey")))
	must(err)
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		must(fmt.Errorf("another origin"))
	}
	return number(lines[1]), hashOf(lines[2])
}

func check() {
	size, root := open(read("checkpoint"))
	oldSize, oldRoot := open(read("older"))

	parts := strings.SplitN(read("proof"), "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	must(err)
	var record tlog.RecordProof
	for _, line := range lines[3:] {
		record = append(record, hashOf(line))
	}
	proofSize, proofRoot := open(parts[1])
	index := number(strings.TrimPrefix(lines[2], "index "))
	must(tlog.CheckRecord(record, proofSize, proofRoot, index, tlog.RecordHash(entry)))

	parts = strings.SplitN(read("consistency"), "\n\n", 2)
	lines = strings.Split(parts[0], "\n")
	var tree tlog.TreeProof
	for _, line := range lines[1:] {
		tree = append(tree, hashOf(line))
	}
	if number(strings.TrimPrefix(lines[0], "old ")) != oldSize {
		must(fmt.Errorf("another old size"))
	}
	must(tlog.CheckTree(tree, size, root, oldSize, oldRoot))
	fmt.Printf("accepted %d of %d, %d to %d\n", index, proofSize, oldSize, size)
}

func base64s(hashes []tlog.Hash) []string {
	texts := []string{}
	for _, hash := range hashes {
		texts = append(texts, base64.StdEncoding.EncodeToString(hash[:]))
	}
	return texts
}

func makeSamples() {
	signerKey, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 32)), "go.example.org/log")
	must(err)
	signer, err := note.NewSigner(signerKey)
	must(err)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	roots := map[int64]tlog.Hash{}
	encoder := json.NewEncoder(os.Stdout)
	for size := int64(1); size <= 70; size++ {
		hashes, err := tlog.StoredHashes(size-1, []byte(fmt.Sprintf("entry %d", size-1)), reader)
		must(err)
		stored = append(stored, hashes...)
		root, err := tlog.TreeHash(size, reader)
		must(err)
		roots[size] = root
		text := fmt.Sprintf("go.example.org/log\n%d\n%s\n", size, base64.StdEncoding.EncodeToString(root[:]))
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		must(err)
		index := (size * size * 31 / 7) % size
		oldSize := 1 + (size*size*17/5)%size
		record, err := tlog.ProveRecord(size, index, reader)
		must(err)
		tree, err := tlog.ProveTree(size, oldSize, reader)
		must(err)
		must(encoder.Encode(map[string]interface{}{
			"vkey": vkey, "checkpoint": string(signed), "size": size, "index": index, "record": base64s(record),
			"oldSize": oldSize, "oldRoot": base64s([]tlog.Hash{roots[oldSize]})[0], "tree": base64s(tree),
		}))
	}
}

func main() {
	if os.Args[1] == "check" {
		check()
	} else {
		makeSamples()
	}
}
