"""check and schema: what files may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from ridethrough.gateway.config.site import Site
from ridethrough.rigs.checks import Finding, check_rig
from ridethrough.rigs.cli.common import USAGE, FileArgument, JsonOption, fail, print_json, user_errors
from ridethrough.rigs.rigfile.schema import RigFile, load_rig, site_of
from ridethrough.rigs.rigfile.yaml import FileError, load, read_yaml
from ridethrough.rigs.scenario.language import Scenario, load_scenario

EITHER = FileArgument("rig", "scenario", later=True)
KINDS: dict[str, type[BaseModel]] = {"rig": RigFile, "site": Site, "scenario": Scenario}


def check(
    file: Annotated[
        Any,
        typer.Argument(
            parser=EITHER,
            autocompletion=EITHER.complete,
            metavar="FILE",
            help="Rig, site or scenario file, or the name of a rig or scenario that comes along.",
        ),
    ],
    json: JsonOption = False,
) -> None:
    """Read a file and say whether it is valid, without starting anything; a rig file also by the documents' rules.

    Example: `ridethrough check rack.yaml`, `ridethrough check C1`
    """
    findings: list[Finding] = []
    try:
        file = EITHER.find(file)
        kind = _check(file, findings)
    except FileError as error:
        if json:
            print_json({"file": str(file), "valid": False, "problems": error.problems, "warnings": []})
            raise typer.Exit(USAGE) from None
        fail(str(error), USAGE)
    errors = [finding.text for finding in findings if not finding.warning]
    warnings = [finding.text for finding in findings if finding.warning]
    if json:
        print_json({"file": str(file), "valid": not errors, "kind": kind, "problems": errors, "warnings": warnings})
    else:
        for finding in findings:
            typer.echo(finding.text, err=True)
        if not errors:
            typer.echo(f"{file}: a valid {kind} file" + _counted(warnings))
    if errors:
        raise typer.Exit(USAGE)


def _counted(warnings: list[str]) -> str:
    return f", {len(warnings)} warning{'s' if len(warnings) > 1 else ''}" if warnings else ""


def _check(file: Path, findings: list[Finding]) -> str:
    document = read_yaml(file)
    if "scenario" in document:
        scenario = load_scenario(file)
        load_rig(scenario.rig, patch=scenario.patch)
        return "scenario"
    if "rig" in document:
        findings += check_rig(file)
        if all(finding.warning for finding in findings):
            site_of(load_rig(file), None, None)
        return "rig"
    load(file, Site)
    return "site"


def schema(kind: Annotated[str, typer.Argument(metavar="rig|site|scenario", help="Which kind of file.")]) -> None:
    """Print the JSON Schema of a kind of file.

    Example: `ridethrough schema rig > rig.schema.json`
    """
    model = KINDS.get(kind)
    if model is None:
        fail(f"there is no schema {kind!r}; accepted: {', '.join(KINDS)}", USAGE)
    with user_errors():
        print_json(model.model_json_schema())
