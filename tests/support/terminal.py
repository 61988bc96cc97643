"""Programs that want a terminal."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def terminal(*argv: str) -> Iterator[Terminal]:
    pid, handle = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    try:
        yield Terminal(handle)
    finally:
        os.close(handle)
        os.waitpid(pid, 0)


class Terminal:
    """A program that wants a terminal."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self.text = ""

    def type(self, keys: str) -> None:
        os.write(self._handle, keys.encode())

    def until(self, words: str, limit_s: float = 30) -> None:
        """Read until `words` appear behind those that were waited for before."""
        deadline = time.monotonic() + limit_s
        while words not in self.text:
            assert time.monotonic() < deadline, self.text
            if select.select([self._handle], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self._handle, 4096).decode(errors="replace")
                except OSError:
                    break
        assert words in self.text, self.text
        self.text = self.text.partition(words)[2]
