"""Limits of sockets and the garbage collector, for processes with many devices."""

from __future__ import annotations

import gc
import importlib.machinery
import resource

from ridethrough.wire import primitives

# Objects made, less those freed, until the collector looks through the youngest; Python's default is 700. A group of
# notifications under way is many times that, and all of it is freed without the collector.
YOUNG = 10_000

COMPILE = "`make run` in a checkout, or RIDETHROUGH_COMPILE=1 pip install, with gcc, libc6-dev and python3-dev"


def is_compiled() -> bool:
    """Return True when the modules that `hatch_build.py` lists are extension modules in this process."""
    return str(primitives.__file__).endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))


def allow_many_sockets() -> None:
    """Raise the limit of open files to the hard limit: a device has one socket at least."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pause_gc() -> None:
    """Switch the garbage collector off while objects are made that stay."""
    gc.disable()


def resume_gc() -> None:
    """Switch the garbage collector on again, for objects that are made from now on."""
    gc.freeze()
    gc.set_threshold(YOUNG)
    gc.enable()
