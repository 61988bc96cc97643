"""init: the beginnings of a test of one's own controller."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from ridethrough.rigs.cli.common import USAGE, JsonOption, fail, print_json, writing

STARTER = Path(__file__).parents[1] / "starter"
NEXT = """
Next: pip install 'ridethrough[test]' where it is not installed yet, and run pytest in {folder}.
Then put your own controller in the place of controller.py, and your own rack into rig.yaml.
"""


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; made when it is missing.")],
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    json: JsonOption = False,
) -> None:
    """Write a rig, a small controller and a pytest test of it, to begin with.

    Example: `ridethrough init my-controller && cd my-controller && pytest`
    """
    files = sorted(path for path in STARTER.iterdir() if path.is_file())
    there = [path.name for path in files if (folder / path.name).exists()]
    if there and not force:
        fail(f"{folder} has {', '.join(there)} already; nothing was written (--force writes over them)", USAGE)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path in files:
            shutil.copyfile(path, folder / path.name)
    if json:
        print_json({"folder": str(folder), "files": [path.name for path in files]})
        return
    for path in files:
        typer.echo(f"wrote {folder / path.name}")
    typer.echo(NEXT.format(folder=folder).rstrip())
