"""The table of foreign clients: complete for every release, quick with its advice, and honest about what it lacks."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.support import clients

ROOT = Path(__file__).parents[2]
USED = {
    name
    for path in (ROOT / "tests").rglob("*.py")
    for name in re.findall(r"\bfind\(\s*[\"']([^\"'{]+)[\"']\s*\)", path.read_text())
}
TABLES = {**clients.RELEASES, "newest": clients.NEWEST}
# Tests ask first whether the release offers these.
OFFERED = {"compose_spec.json", "docker-compose"}


def test_tests_name_what_they_drive() -> None:
    assert len(USED) > 15


@pytest.mark.parametrize("name", TABLES)
def test_every_client_has_one_package_in_every_release(name: str) -> None:
    tools = [tool for package in (*clients.COMMON, *TABLES[name]) for tool in package.tools]
    assert len(tools) == len(set(tools))
    assert set(tools) >= USED - OFFERED
    assert OFFERED & set(tools)


def test_no_test_knows_a_path_that_is_the_matter_of_a_package() -> None:
    fixed = re.compile(r"[\"'](?:/lib/nut|/usr/lib/(?:nut|nagios)|/usr/bin/(?!python3)|/(?:usr/)?sbin/)|which\(")
    found = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py") if fixed.search(path.read_text())}
    # The table itself, and what builds systems and images.
    assert {
        place for place in found if not place.startswith(("tests/support/clients", "tests/fresh/", "tests/images/"))
    } <= {"tests/architecture/test_clients.py"}


def test_a_user_is_told_at_once_what_root_installs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clients, "missing", lambda: (["ipmitool", "chromium"], ["apcupsd"]))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    begun = time.monotonic()
    with pytest.raises(SystemExit) as ended:
        clients.main()
    assert ended.value.code == 2
    assert (
        "\n    apt-get update && apt-get install -y --no-install-recommends ipmitool chromium\n"
        in capsys.readouterr().err
    )
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("may", [True, False])
def test_a_user_without_namespaces_is_told_what_that_means(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], may: bool
) -> None:
    monkeypatch.setattr(clients, "missing", lambda: ([], []))
    monkeypatch.setattr(clients, "packages", lambda: ())
    monkeypatch.setattr(clients, "_may_isolate", lambda: may)
    clients.main()
    assert ("user namespaces are forbidden" in capsys.readouterr().err) is not may


@pytest.mark.parametrize("root", [True, False])
def test_what_needs_no_root_is_unpacked_by_anyone(monkeypatch: pytest.MonkeyPatch, root: bool) -> None:
    unpacked: list[str] = []
    monkeypatch.setattr(clients, "missing", lambda: ([], ["apcupsd"]))
    monkeypatch.setattr(clients, "packages", lambda: ())
    monkeypatch.setattr(clients, "_unpack", unpacked.extend)
    monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)
    clients.main()
    assert unpacked == ["apcupsd"]


def test_a_package_without_what_is_wanted_is_named_and_not_fetched_again_and_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clients, "missing", lambda: ([], []))
    monkeypatch.setattr(clients, "release", lambda: "sid")
    monkeypatch.setattr(clients, "COMMON", ())
    monkeypatch.setattr(clients, "NEWEST", (clients.Package("dpkg", ("no-such-tool",)),))
    with pytest.raises(SystemExit) as ended:
        clients.main()
    assert ended.value.code == 2
    assert "dpkg of sid has no no-such-tool" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "best"),
    [
        (["etc/init.d/x", "usr/sbin/x"], "usr/sbin/x"),
        (["usr/share/lintian/overrides/x", "usr/bin/x"], "usr/bin/x"),
        (["usr/share/doc/x", "usr/bin/x"], "usr/bin/x"),
        (["etc/default/x"], None),
    ],
)
def test_the_program_is_found_wherever_the_package_has_it(tmp_path: Path, files: list[str], best: str | None) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch(0o755 if "bin" in name or "init.d" in name else 0o644)
    found = clients._best(iter([tmp_path / name for name in files]))
    assert found == (tmp_path / best if best else None)
