"""Lets our witness and client meet those of others: our client has aics-witness cosign a log and refuse
forks of it, and our witness cosigns a log of aics-tlog for a client that knows nothing but urllib. What is
not installed is skipped, and said.

usage: witness.py BINARIES COUNT SEED [--require]
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import importlib.util
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

LOG, WITNESS = "example.com/log", "witness.example/one"


def run(*words: object) -> str:
    found = subprocess.run(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if found.returncode != 0:
        raise RuntimeError(f"{words[0]} ended with {found.returncode}: {found.stderr}")
    return found.stdout


@contextlib.contextmanager
def serving(folder: Path, mark: str, *words: object) -> Iterator[str]:
    """Runs a server, and gives the line in which it says that it listens."""
    said = folder / "said"
    with said.open("w") as errors:
        process = subprocess.Popen([str(word) for word in words], stderr=errors)
    try:
        while not any(mark in line for line in said.read_text().splitlines(keepends=True)
                      if line.endswith("\n")):
            if process.poll() is not None:
                raise RuntimeError(f"{words[0]} does not listen: {said.read_text()}")
            time.sleep(0.02)
        yield next(line for line in said.read_text().splitlines() if mark in line)
    finally:
        process.terminate()
        process.wait(timeout=60)
    if process.returncode != 0:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}: {said.read_text()}")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def judge_client(tlog: object, binaries: Path, folder: Path, count: int, seed: int) -> str:
    """Our client and aics-witness; the cosigned checkpoints are judged by aics-tlog once more."""
    script = Path(sys.executable).parent / "aics-witness"
    config, key = folder / "witness.json", folder / "log.key"
    log = run(binaries / "piperoll", "key", "generate", LOG, "--kind", "log", "--out", key).strip()
    place = f"127.0.0.1:{free_port()}"
    witness = run(script, "init", "-c", config, "--name", WITNESS, "--listen", place).strip()
    run(script, "add-log", "-c", config, "--origin", LOG, "--vkey", log)
    notes = folder / "notes"
    notes.mkdir()
    with serving(folder, "listening on", script, "serve", "-c", config):
        said = run(
            binaries / "ask-witness", f"http://{place}", witness, key, count, seed, notes)
    for path in notes.iterdir():
        found = tlog.verify_checkpoint(
            tlog.parse_note(path.read_bytes()), tlog.parse_vkey(log),
            witness_keys=[tlog.parse_vkey(witness)], quorum=1, expected_origin=LOG)
        if not found.ok:
            raise RuntimeError(f"{path.name} is not accepted by aics-tlog")
    if len(list(notes.iterdir())) != count:
        raise RuntimeError("checkpoints are missing")
    return said.strip()


class ForeignLog:
    """A log of aics-tlog, and a client of urllib."""

    def __init__(self, tlog: object, seed: int) -> None:
        ed25519 = importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
        self.tlog, self.random = tlog, random.Random(seed)
        self.key = ed25519.Ed25519PrivateKey.from_private_bytes(self.random.randbytes(32))
        self.vkey = tlog.vkey_from_ed25519(LOG, self.key.public_key())
        self.tree = tlog.MerkleTree()

    def grow(self, count: int) -> None:
        self.tree.extend(self.random.randbytes(self.random.randrange(90)) for _ in range(count))

    def checkpoint(self, root: bytes | None = None) -> bytes:
        size = self.tree.size
        checkpoint = self.tlog.Checkpoint(LOG, size, root or self.tree.root())
        note = self.tlog.sign_checkpoint(checkpoint, self.key, LOG)
        lines = [
            f"\u2014 {line.name} {base64.b64encode(line.key_id + line.signature).decode()}\n"
            for line in note.signatures]
        return (note.text + "\n" + "".join(lines)).encode()

    def submit(self, url: str, old: int, checkpoint: bytes) -> tuple[int, bytes]:
        size = self.tree.size
        path = self.tree.consistency_proof(old, size) if 0 < old < size else []
        hashes = "".join(base64.b64encode(one).decode() + "\n" for one in path)
        body = f"old {old}\n{hashes}\n".encode() + checkpoint
        try:
            with urllib.request.urlopen(
                    urllib.request.Request(f"{url}/add-checkpoint", data=body)) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def judge_server(tlog: object, binaries: Path, folder: Path, count: int, seed: int) -> str:
    """Our witness, asked by somebody else's log."""
    log, key = ForeignLog(tlog, seed), folder / "witness.key"
    made = run(
        binaries / "piperoll", "key", "generate", WITNESS, "--kind", "witness", "--out", key)
    witness = tlog.parse_vkey(made.strip())
    accepted = refused = seen = 0

    def expect(found: tuple[int, bytes], status: int) -> None:
        if found[0] != status:
            raise RuntimeError(f"status {found[0]} in the place of {status} at size {seen}")

    def holds(note: bytes) -> bool:
        return bool(tlog.verify_checkpoint(
            tlog.parse_note(note), log.vkey, witness_keys=[witness], quorum=1,
            expected_origin=LOG).ok)

    with serving(folder, "listens at", binaries / "piperoll", "witness", "serve", "--key", key,
                 "--log", tlog.format_vkey(log.vkey), "--state", folder / "seen",
                 "--listen", "127.0.0.1:0") as line:
        url = line.split()[-1]
        for _ in range(count):
            log.grow(log.random.randrange(1, 40))
            checkpoint = log.checkpoint()
            found = log.submit(url, seen, checkpoint)
            expect(found, 200)
            if not holds(checkpoint + found[1]):
                raise RuntimeError(f"a cosignature is not accepted at size {log.tree.size}")
            accepted, seen = accepted + 1, log.tree.size
            expect(log.submit(url, seen, log.checkpoint(log.random.randbytes(32))), 422)
            conflict = log.submit(url, seen - 1, checkpoint)
            expect(conflict, 409)
            if conflict[1] != f"{seen}\n".encode():
                raise RuntimeError("a conflict names another size")
            refused += 2
        name = hashlib.sha256(LOG.encode()).hexdigest()
        with urllib.request.urlopen(f"{url}/{name}/checkpoint") as answer:
            if not holds(answer.read()):
                raise RuntimeError("the checkpoint that is shown is not accepted")
    return f"{accepted} checkpoints cosigned for urllib, {refused} forks and conflicts refused"


def main(words: list[str]) -> int:
    if len(words) not in (3, 4) or words[3:] not in ([], ["--require"]):
        print(__doc__)
        return 2
    binaries, count, seed = Path(words[0]), int(words[1]), int(words[2])
    failed = False
    for name, module, judge in (("aics-witness", "aics_witness", judge_client),
                                ("our witness before aics-tlog", "aics_tlog", judge_server)):
        missing = [one for one in (module, "aics_tlog") if importlib.util.find_spec(one) is None]
        if missing:
            print(f"{name}: skipped, {missing[0]} is not installed for "
                  f"Python {sys.version.split()[0]}")
            failed |= bool(words[3:])
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                said = judge(
                    importlib.import_module("aics_tlog"), binaries, Path(folder), count, seed)
                print(f"{name}: {said}")
            except (OSError, RuntimeError, ValueError) as error:
                print(f"{name}: FAILED, {error}")
                failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
