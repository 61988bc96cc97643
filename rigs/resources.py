"""What a process of many devices needs of the machine and of the interpreter."""

from __future__ import annotations

import gc
import importlib.machinery
import resource

from ridethrough.wire import primitives

# The collector looks through the young when so many more were made than went; 700 if nobody says otherwise. A group of
# notifications under way is many times that, and all of it goes without the collector.
YOUNG = 10_000

COMPILE = "`make run` in a checkout, or RIDETHROUGH_COMPILE=1 pip install, with gcc, libc6-dev and python3-dev"


def is_compiled() -> bool:
    """Whether the modules that `hatch_build.py` lists are extension modules in this process."""
    return str(primitives.__file__).endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))


def allow_many_sockets() -> None:
    """Take as many files and sockets as this process may have: a device has one socket at least."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pause_gc() -> None:
    """From here on everything made is there to stay, so the collector need not look for what could go."""
    gc.disable()


def resume_gc() -> None:
    """What is there by now stays; what comes from here on is looked through."""
    gc.freeze()
    gc.set_threshold(YOUNG)
    gc.enable()
