"""`make soak`: fifty kills of a gateway under load, with two webhooks, a forward and a JetStream behind it."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.support.campaign import campaign


def main() -> int:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else round(time.time())
    print(f"{kills} kills, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        outcome = campaign(Path(folder), kills, seed, print)
    print(f"{outcome.sent} sent, {outcome.acknowledged} informs acknowledged, none lost, none out of order")
    print("repeats, each with the same id: " + ", ".join(f"{name} {count}" for name, count in outcome.repeats.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
