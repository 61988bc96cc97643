"""Compile MIB texts with pysmi, offline, into the table that `ridethrough.mibs.tree` reads.

`python -m ridethrough.mibs.compiler` rewrites the checked-in table from `mibs/texts`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ridethrough.mibs.tree import MibTree, objects_from_table, standard_tree

TEXTS = Path(__file__).parent / "texts"
TABLE = Path(__file__).parent / "tables" / "ridethrough.json"
SUFFIXES = frozenset({".mib", ".my", ".txt", ""})


class MibError(ValueError):
    """A MIB text cannot be used. `str()` is one line that names the file and, where known, the line."""


def compile_folder(folder: Path) -> dict[str, Any]:
    """Compile every MIB text in `folder`; imports may come from the folder or from our own texts.

    Returns module -> object name -> row. Raises MibError for a text that does not compile, for an import
    that is nowhere to be found and for a folder that does not exist or holds no texts.
    """
    if not folder.is_dir():
        raise MibError(f"{folder}: no such folder of MIB texts")
    files = {path.stem: path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix in SUFFIXES}
    if not files:
        raise MibError(f"{folder}: no MIB texts here (expected files ending in .mib, .my, .txt or nothing)")
    return to_table(_run_pysmi(folder, files))


def with_folder(folder: Path) -> MibTree:
    """The standard tree with the texts of `folder` added. Raises MibError."""
    tree = MibTree(standard_tree())
    tree.add(objects_from_table(compile_folder(folder)))
    return tree


def _run_pysmi(folder: Path, files: dict[str, Path]) -> dict[str, Any]:
    # pysmi takes 0.3 s to import and is needed only here.
    from pysmi.codegen import JsonCodeGen
    from pysmi.compiler import MibCompiler
    from pysmi.parser.dialect import smi_v1_relaxed
    from pysmi.parser.smi import parserFactory
    from pysmi.reader import FileReader
    from pysmi.searcher import StubSearcher
    from pysmi.writer import CallbackWriter

    documents: dict[str, Any] = {}

    def keep(name: str, document: str, _context: object) -> None:
        documents[name] = json.loads(document)

    compiler = MibCompiler(parserFactory(**smi_v1_relaxed)(), JsonCodeGen(), CallbackWriter(keep))
    compiler.add_sources(FileReader(str(folder)), FileReader(str(TEXTS)))
    compiler.add_searchers(StubSearcher(*JsonCodeGen.baseMibs))
    results = compiler.compile(*files, rebuild=True, genTexts=True)
    # A missing import is the reason for the failures that follow from it.
    for name, status in sorted(results.items(), key=lambda item: (item[1] != "missing", item[0])):
        if status in ("failed", "missing"):
            place = files.get(name, folder / name)
            raise MibError(_explain(place, status, getattr(status, "error", None)))
    ours = {module for path in TEXTS.iterdir() for module in [path.stem]}
    return {
        name: document for name, document in documents.items() if name in files or name not in ours or folder == TEXTS
    }


def _explain(place: Path, status: str, error: object) -> str:
    if status == "missing":
        return f"{place.parent}: the texts import {place.name}, which is in neither this folder nor Ridethrough"
    line = getattr(error, "lineno", None)
    reason = " ".join(str(getattr(error, "msg", error)).split())
    return f"{place}:{line}: {reason}" if line and line != "?" else f"{place}: {reason}"


def to_table(documents: dict[str, Any]) -> dict[str, Any]:
    """Reduce pysmi's JSON to what we use: module -> name -> {oid, syntax, access, units, enum, objects}."""
    types = {
        name: item["type"]
        for document in documents.values()
        for name, item in document.items()
        if isinstance(item, dict) and item.get("class") in ("type", "textualconvention")
    }
    return {
        module: dict(sorted(rows.items(), key=lambda item: [int(arc) for arc in item[1]["oid"].split(".")]))
        for module, document in sorted(documents.items())
        if (rows := {name: _row(item, types) for name, item in document.items() if _has_oid(item)})
    }


def _has_oid(item: object) -> bool:
    return isinstance(item, dict) and "oid" in item


def _row(item: dict[str, Any], types: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"oid": item["oid"]}
    if item["class"] == "notificationtype":
        row["notification"] = True
        row["objects"] = [reference["object"] for reference in item.get("objects", [])]
    elif item["class"] == "objecttype" and "syntax" in item:
        syntax = item["syntax"]
        constraints = syntax.get("constraints", {})
        while isinstance(base := types.get(syntax["type"]), dict):
            syntax = base
            constraints = constraints or syntax.get("constraints", {})
        row["syntax"] = syntax["type"]
        row["access"] = item.get("maxaccess", "")
        if units := item.get("units"):
            row["units"] = units
        if enumeration := constraints.get("enumeration"):
            row["enum"] = {str(number): name for name, number in sorted(enumeration.items(), key=lambda e: e[1])}
    return row


def render(table: dict[str, Any]) -> str:
    """The checked-in form: one object a line, so that a change is a readable difference."""
    modules = []
    for module, rows in table.items():
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
        modules.append(f"{json.dumps(module)}: {{\n{lines}\n}}")
    return "{\n" + ",\n".join(modules) + "\n}\n"


if __name__ == "__main__":
    TABLE.write_text(render(compile_folder(TEXTS)))
