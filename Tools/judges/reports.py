"""Has libraries of others read the reports of piperoll-audit: reports.py BINARIES COUNT SEED.

Stores are made, damaged at COUNT random places and audited in every format. A report must be what its
format asks for: JSON by the published schema (jsonschema), SARIF 2.1.0 by a model made from the standard's
schema (pydantic-sarif), JUnit by junitparser, HTML by html5lib, which reports every error of syntax. Verdicts
and exit codes must be the same in all of them. A library that is not installed is skipped, and said.
"""

from __future__ import annotations

import importlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable

SCHEMA = Path("Sources/AuditReports/audit-report-1.schema.json")
EXIT_CODES = {"proven": 0, "broken": 1, "incomplete": 3}
# Names that want to be more than names.
STREAMS = ["orders", "<script>alert(1)<script>", "a & b \"c\" 'd' ]]>", "größe-\U0001f600"]


def json_judge() -> Callable[[bytes], None]:
    module = importlib.import_module("jsonschema")
    schema = json.loads(SCHEMA.read_text())
    module.Draft202012Validator.check_schema(schema)
    return lambda text: module.Draft202012Validator(schema).validate(json.loads(text))


def sarif_judge() -> Callable[[bytes], None]:
    module = importlib.import_module("pydantic_sarif.model")
    model = module.StaticAnalysisResultsFormatSarifVersion210JsonSchema

    def judge(text: bytes) -> None:
        document = json.loads(text)
        read = model.model_validate(document)
        # A member that the standard does not know would be lost on the way.
        assert json.loads(read.model_dump_json(by_alias=True, exclude_unset=True)) == document

    return judge


def junit_judge() -> Callable[[bytes], None]:
    module = importlib.import_module("junitparser")

    def judge(text: bytes) -> None:
        suites = module.JUnitXml.fromstring(text)
        counted = (suites.tests, suites.failures, suites.skipped)
        suites.update_statistics()
        assert counted == (suites.tests, suites.failures, suites.skipped), counted
        assert len(list(suites)) >= 1

    return judge


def html_judge() -> Callable[[bytes], None]:
    module = importlib.import_module("html5lib")

    def judge(text: bytes) -> None:
        parser = module.HTMLParser(strict=True)
        tree = parser.parse(text)
        names = {element.tag.split("}")[-1] for element in tree.iter() if isinstance(element.tag, str)}
        assert "script" not in names and "main" in names, names

    return judge


class Store:
    """A store with several streams, and what the auditor says of it."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries, self.path = binaries, folder / "store"
        self.run("init", str(self.path))
        for number, name in enumerate(STREAMS):
            evidence = ["tree", "chain", "none"][number % 3]
            self.run("create", str(self.path), name, "--evidence", evidence)
            lines = "".join(f"{name} {line}\n" for line in range(2_000))
            self.run("append", str(self.path), name, text=lines)

    def run(self, *words: str, text: str = "") -> None:
        subprocess.run([self.binaries / "piperoll", *words], input=text.encode(), check=True,
                       stdout=subprocess.DEVNULL)

    def audit(self, format: str) -> tuple[int, bytes]:
        page = self.path.parent / "page.html"
        words = ["verify", self.path, "--report", "text" if format == "html" else format]
        if format == "html":
            words += ["--html", page]
        done = subprocess.run([self.binaries / "piperoll-audit", *words], capture_output=True)
        return done.returncode, page.read_bytes() if format == "html" else done.stdout

    def damage(self, dice: random.Random) -> None:
        files = sorted(file for file in self.path.rglob("*.seg") if file.stat().st_size > 0)
        file = dice.choice(files)
        data = bytearray(file.read_bytes())
        for _ in range(dice.choice([1, 1, 2, 50])):
            # Where something stands: files end in zeros.
            place = dice.randrange(min(len(data), 60_000))
            data[place] ^= 1 << dice.randrange(8)
        file.write_bytes(data)


def main(binaries: Path, count: int, seed: int) -> int:
    judges: dict[str, Callable[[bytes], None]] = {}
    makers = {"json": json_judge, "sarif": sarif_judge, "junit": junit_judge, "html": html_judge}
    for format, make in makers.items():
        try:
            judges[format] = make()
        except ImportError as error:
            print(f"reports, {format}: skipped, {error}")
    dice = random.Random(seed)
    seen = dict.fromkeys(EXIT_CODES, 0)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(binaries, Path(folder))
        whole = Path(folder) / "whole"
        shutil.copytree(store.path, whole)
        for case in range(count):
            if case > 0:
                shutil.rmtree(store.path)
                shutil.copytree(whole, store.path)
                store.damage(dice)
            code, text = store.audit("json")
            verdict = json.loads(text)["verdict"]
            seen[verdict] += 1
            assert code == EXIT_CODES[verdict], (case, seed, code, verdict)
            for format, judge in judges.items():
                other, text = store.audit(format)
                assert other == code, (case, seed, format, other, code)
                try:
                    judge(text)
                except Exception as error:
                    print(f"reports, {format}: case {case} of seed {seed}: {error}", file=sys.stderr)
                    return 1
    assert seen["proven"] >= 1 and (count < 5 or seen["broken"] >= 1), seen
    print(f"reports: {count} audits read as {', '.join(judges)}; {seen['broken']} of them broken")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
