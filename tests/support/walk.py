"""Walks a page of the documents as a reader would: writes its files, applies its changes, pastes its commands.

Of a page count the blocks that are `sh` (pasted into one shell, which ends at the first failure), `sh stays` (pasted into a
terminal of its own, where it runs on), `diff` (`-` lines are replaced by the `+` lines behind them, wherever they stand), blocks
of any language with a path behind it (written to that file), and `text` (lines that the block before it has to print, in this
order, with anything between them).
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$|^## ", re.MULTILINE | re.DOTALL)
LIMIT_S = 100
END = "== end of block"


class Block(NamedTuple):
    """What stands between fences; without a language it is the title of a section."""

    language: str
    rest: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    for language, rest, text in FENCE.findall(page.read_text()):
        yield Block(language, rest, text)


def copy_of_the_tree(folder: Path) -> Path:
    """What git knows of, with the environment of this checkout; what is compiled there is a copy, which may be made anew."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    (folder / ".venv").mkdir()
    for path in (ROOT / ".venv").iterdir():
        if path.name == ".place":
            (folder / ".venv" / path.name).write_text(f"{folder}\n")
        elif path.name != "compiled":
            (folder / ".venv" / path.name).symlink_to(path)
        elif path.is_dir():
            shutil.copytree(path, folder / ".venv" / path.name)
    return folder


class Reader:
    """What a process prints, as far as somebody waits for it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(stream, selectors.EVENT_READ)
        self._stream = stream
        self.text = ""

    def until(self, words: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while words not in self.text:
            assert time.monotonic() < deadline, f"{words!r} was not printed:\n{self.text}"
            if self._selector.select(0.5):
                octets = os.read(self._stream.fileno(), 65536)
                assert octets, f"ended without {words!r}:\n{self.text}"
                self.text += octets.decode(errors="replace")

    def close(self) -> None:
        self._selector.close()


class Walk:
    """A reader at work in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The code of the copy counts, not that of the checkout whose environment it shares.
        self._environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "100"}
        self._shell = self._bash("-e")
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._reader = Reader(self._shell.stdout)
        self._others: list[tuple[subprocess.Popen[bytes], Reader]] = []

    def _bash(self, *options: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["bash", *options],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def page(self, page: Path) -> None:
        """From the first block to the last. A run that stays ends with its section."""
        seen = ""
        for block in blocks(page):
            if block.language == "text":
                seen = self._printed(block, seen)
            elif block.language == "diff":
                self._change(block.text)
            elif not block.language:
                self._end_others()
            elif block.language == "sh" and block.rest == "stays":
                process = self._bash("-c", block.text)
                assert process.stdout is not None
                self._others.append((process, Reader(process.stdout)))
                seen = "stays"
            elif block.language == "sh":
                seen = self._paste(block.text)
            elif block.rest:
                file = self._folder / block.rest
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text)

    def _paste(self, text: str) -> str:
        assert self._shell.stdin is not None
        self._reader.text = ""
        self._shell.stdin.write(f"{text}\necho '{END}'\n".encode())
        self._shell.stdin.flush()
        try:
            self._reader.until(END)
        except AssertionError as error:
            raise AssertionError(f"{text}\n{error}") from None
        return self._reader.text

    def _printed(self, block: Block, seen: str) -> str:
        for line in block.text.strip().splitlines():
            if seen == "stays":
                self._others[-1][1].until(line)
                continue
            _, found, rest = seen.partition(line.strip())
            assert found, f"{line.strip()!r} is not in:\n{seen}"
            seen = rest
        return seen

    def _change(self, text: str) -> None:
        for part in re.split(r"^--- a/", text, flags=re.MULTILINE)[1:]:
            name, _, rest = part.partition("\n")
            path = self._folder / name
            for hunk in re.split(r"^@@\n", rest, flags=re.MULTILINE)[1:]:
                lines = hunk.splitlines()
                before = "\n".join(line[1:] for line in lines if line.startswith("-"))
                after = "\n".join(line[1:] for line in lines if line.startswith("+"))
                written = path.read_text()
                assert written.count(before) == 1, f"{name} does not have once:\n{before}"
                path.write_text(written.replace(before, after))

    def _end_others(self) -> None:
        for process, reader in self._others:
            os.killpg(process.pid, signal.SIGTERM)
            reader.close()
            process.communicate(timeout=30)
        self._others.clear()

    def close(self) -> None:
        self._end_others()
        self._reader.close()
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        try:
            self._shell.wait(timeout=10)
        finally:
            for signalled in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self._shell.pid, signalled)
                except ProcessLookupError:
                    break
            assert self._shell.stdout is not None
            self._shell.stdout.close()
