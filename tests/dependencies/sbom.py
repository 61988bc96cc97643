"""`make sbom`: the run-time lock as a CycloneDX document, by cyclonedx-py.

It knows licences and who needs whom from an environment, and hashes from a lock. So the lock is installed into an
environment of its own, packages for other systems too, and both documents become one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ridethrough import __version__
from tests.dependencies import ROOT, read_lock

LOCK = ROOT / "requirements.lock"
# Their metadata name none; read in the licence files that they bring along.
LICENCES = {"pysnmp": "BSD-2-Clause"}


def call(*words: str | Path) -> str:
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True, check=True).stdout


def canonical(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def installed(tools: Path) -> dict[str, Any]:
    """The document of an environment that has every package of the lock."""
    with tempfile.TemporaryDirectory() as folder:
        everything = Path(folder, "requirements.txt")
        everything.write_text(
            "".join(
                f"{it.name}=={it.version} {' '.join(f'--hash=sha256:{digest}' for digest in it.hashes)}\n"
                for it in read_lock(LOCK)
            )
        )
        python = Path(folder, "environment/bin/python")
        call(tools / "python", "-m", "venv", "--without-pip", python.parents[1])
        pip = (tools / "python", "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--require-hashes")
        call(*pip, "--requirement", everything)
        words = ("environment", "--pyproject", ROOT / "pyproject.toml", "--output-reproducible", python)
        document: dict[str, Any] = json.loads(call(tools / "cyclonedx-py", *words))
        return document


def complete(document: dict[str, Any], hashed: dict[str, Any]) -> dict[str, Any]:
    """The document of the environment, with the hashes of that of the lock and what no metadata told."""
    distributions = {canonical(it["name"]): it["externalReferences"] for it in hashed["components"]}
    document["metadata"]["component"]["version"] = __version__
    for component in document["components"]:
        name = canonical(component["name"])
        component.setdefault("externalReferences", []).extend(distributions[name])
        if "licenses" not in component:
            component["licenses"] = [{"license": {"acknowledgement": "concluded", "id": LICENCES[name]}}]
    return document


def main(tools: str, target: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    hashed = json.loads(call(Path(tools, "cyclonedx-py"), "requirements", "--output-reproducible", LOCK))
    text = json.dumps(complete(installed(Path(tools)), hashed), indent=1, ensure_ascii=False) + "\n"
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"not a CycloneDX document: {fault}")
    Path(target).parent.mkdir(exist_ok=True)
    Path(target).write_text(text)
    print(f"{target}: {len(json.loads(text)['components'])} components")


if __name__ == "__main__":
    main(*sys.argv[1:])
