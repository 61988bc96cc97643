"""A short run of the fuzzer of the LAN channel; `make fuzz` does a million."""

from __future__ import annotations

from tests.support.fuzz_bmc import run


def test_spoilt_datagrams_neither_break_the_bmc_nor_get_in() -> None:
    seen = run(10_000, seed=1)
    assert seen.total() == 10_000
    assert min(seen["sealed"], seen["answers"], seen["silence"]) > 100
