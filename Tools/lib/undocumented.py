"""Finds public declarations without documentation in the symbol graphs of the package's libraries.

Usage: undocumented.py [--list] FOLDER. With --list it prints the libraries' graph files instead.
A declaration that fulfils a documented requirement inherits its documentation and passes; so do the
cases of an enumeration, whose names are the explanation its own comment counts on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

LIBRARIES = Path("Sources")
SELF_EXPLAINING = {"swift.enum.case"}


def libraries() -> set[str]:
    """Swift targets below Sources that are no programs."""
    folders = {path.parent for path in LIBRARIES.glob("*/*.swift")}
    return {folder.name for folder in folders if not (folder / "main.swift").exists()}


def module(path: Path) -> str:
    """`Module@Extended.symbols.json` and `Module.symbols.json` belong to `Module`."""
    return path.name.split(".")[0].split("@")[0]


def graphs(folder: Path) -> list[Path]:
    """The graphs of all libraries; tests, tools and C are left out."""
    found = sorted(path for path in folder.glob("*.symbols.json") if module(path) in libraries())
    missing = libraries() - {module(path) for path in found}
    if missing:
        sys.exit(f"no symbol graph for {', '.join(sorted(missing))}; build the package first")
    return found


def undocumented(path: Path) -> list[str]:
    found = []
    for symbol in json.loads(path.read_text())["symbols"]:
        swift = symbol["identifier"]["interfaceLanguage"] == "swift"
        if not swift or "docComment" in symbol or symbol["kind"]["identifier"] in SELF_EXPLAINING:
            continue
        location = symbol.get("location")
        if location is None:
            continue
        file = location["uri"].removeprefix("file://").removeprefix(f"{Path.cwd()}/")
        line = location["position"]["line"] + 1
        found.append(f"{file}:{line}: {'.'.join(symbol['pathComponents'])}")
    return found


def main(arguments: list[str]) -> int:
    folder = Path(arguments[-1])
    if "--list" in arguments:
        print("\n".join(path.name for path in graphs(folder)))
        return 0
    missing = [line for path in graphs(folder) for line in undocumented(path)]
    for line in missing:
        print(f"{line} is public and has no documentation", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
