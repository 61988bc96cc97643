"""Debian's nats-server in a process of its own, with its JetStream on disk."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.clients import find
from tests.support.live import start, stop


class NatsServer:
    """`port` stays the same when it is stopped and begun again."""

    def __init__(self, folder: Path, *options: str, config: str = "", port: int = 0) -> None:
        self.port = port or free_port()
        file = folder / "nats.conf"
        file.write_text(f'jetstream {{ store_dir: "{folder / "nats"}" }}\n{config}\n')
        self._command = [str(find("nats-server")), "-c", str(file), "-a", "127.0.0.1", "-p", str(self.port), *options]
        self.begin()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def begin(self) -> None:
        self.process: subprocess.Popen[str]
        self.process, _ = start(self._command, "Server is ready")

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        stop(self.process)


@contextmanager
def nats_server(folder: Path, *options: str, config: str = "", port: int = 0) -> Iterator[NatsServer]:
    server = NatsServer(folder, *options, config=config, port=port)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
