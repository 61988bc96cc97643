"""profile: what is known of a model of device, as data."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from ridethrough.emulators.devices.ups import ProfileError, load_profile, profile_names
from ridethrough.rigs.cli.common import USAGE, JsonOption, fail, print_json, print_result, user_errors, writing
from ridethrough.rigs.recording.walks import RecordingError, profile_of, read_snmprec

app = typer.Typer(help="Profiles of UPS cards.", no_args_is_help=True, rich_markup_mode="markdown")


@app.command(name="list")
def list_profiles(json: JsonOption = False) -> None:
    """List the profiles that come with Ridethrough.

    Example: `ridethrough profile list`
    """
    with user_errors():
        profiles = [load_profile(name) for name in profile_names()]
    rows = [
        {"profile": item.profile, "model": item.text("upsBasicIdentModel"), "instances": len(item.instances)}
        for item in profiles
    ]
    if json:
        print_json({"profiles": rows})
        return
    typer.echo(f"{'PROFILE':<24}{'MODEL':<24}INSTANCES")
    for row in rows:
        typer.echo(f"{row['profile']:<24}{row['model']:<24}{row['instances']}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the profile.")],
    recording: Annotated[Path, typer.Option("--from", metavar="RECORDING.snmprec", help="Walk of a real card.")],
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="PROFILE", help="Fill a partial walk up with what this profile answers."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write; otherwise printed, as YAML.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a profile from a walk of a real card (snmprec: `OID|TAG|VALUE` lines).

    Example: `ridethrough profile new my-card --from my-card.snmprec --out my-card.yaml`,
    then `profile: ./my-card.yaml` in a rig file.
    """
    try:
        filler = load_profile(like) if like is not None else None
        document = profile_of(name, read_snmprec(recording), filler)
    except (RecordingError, ProfileError) as error:
        fail(str(error), USAGE)
    yaml = YAML()
    yaml.width = 1000
    yaml.default_flow_style = None  # leaves in one line, the rest in blocks
    instances = CommentedMap({label: _quoted(value) for label, value in document["instances"].items()})
    instances.fa.set_block_style()
    document["instances"] = instances
    text = io.StringIO()
    yaml.dump(document, text)
    if out is None:
        sys.stdout.write(text.getvalue())
        return
    with writing(out):
        out.write_text(text.getvalue(), encoding="utf-8")
    count = len(document["instances"])
    print_result(f"{out}: {count} instances", {"file": str(out), "profile": name, "instances": count}, json=json)


def _quoted(value: Any) -> Any:
    """Texts in double quotes, so that none of them can be taken for something else."""
    if isinstance(value, dict):
        return {kind: _quoted(inner) for kind, inner in value.items()}
    return DoubleQuotedScalarString(value) if isinstance(value, str) else value
