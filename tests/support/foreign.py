"""Projects of other people, as a table describes them: their fixtures, packages, loops, and how they run pytest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.support.pairs import Row

PACKAGES = ("emulators", "gateway", "mibs", "rigs", "wire")

# What a project has in one of its test folders.
FIXTURES: dict[str, Sequence[str]] = {
    "name": ("rig", "gateway", "clock"),
    "place": ("conftest", "module", "class", "plugin"),
    "kind": ("plain", "generator", "async", "async generator"),
    "scope": ("function", "class", "module", "session"),
    "use": ("argument", "usefixtures", "autouse", "indirect", "parametrised", "at run time", "unittest"),
    "test": ("def", "async def"),
}

# How the project as a whole is set up and run.
RUNS: dict[str, Sequence[str]] = {
    "mode": ("strict", "auto"),
    "loop scope": ("function", "session"),
    "imports": ("prepend", "importlib"),
    "runner": ("plain", "xdist", "randomly"),
    "warnings": ("shown", "errors of the ini file", "errors of the command line"),
    "loops": ("pytest-asyncio", "factories", "policy", "uvloop", "anyio, trio and aiohttp"),
    "plugin": ("none", "-p", "pytest_plugins"),
}

SHOP = """
import asyncio, inspect, os, time
import pytest

def note(*words):
    with open(os.environ["LOG"] + os.environ.get("PYTEST_XDIST_WORKER", ""), "a") as log:
        print(*words, file=log)

def async_fixture(**keys):
    try:
        import pytest_asyncio
    except ImportError:
        return pytest.fixture(**keys)
    if "loop_scope" in inspect.signature(pytest_asyncio.fixture).parameters:
        keys["loop_scope"] = keys["scope"]
    return pytest_asyncio.fixture(**keys)

def loop():
    loop = asyncio.get_running_loop()
    early = loop.time() < time.monotonic() - 1
    return f"{type(loop).__module__}.{type(loop).__qualname__}" + " early" * early
"""

CONFTEST = """
import gc
import os
import pytest
import shop

def pytest_runtest_teardown():
    gc.collect()  # what a test of theirs leaves open is told as theirs, whenever Python would collect it

@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    if "test_ours" not in report.nodeid:
        shop.note(report.nodeid, report.when, report.outcome, str(report.longrepr or "").strip().split("\\n")[-1])

@shop.async_fixture(scope="session")
async def till():
    shop.note("till opens", shop.loop())
    yield "till"
    shop.note("till closes", shop.loop())
"""

PLUGIN = """
import pytest
import shop
""" + "".join(
    f"""
@pytest.fixture
def {name}():
    shop.note("{name} of the plugin")
    return "theirs"
"""
    for name in FIXTURES["name"]
)

LOOPS = {
    "factories": """
class Own(asyncio.SelectorEventLoop): pass
def pytest_asyncio_loop_factories(config, item): return {"own": Own, "other": asyncio.SelectorEventLoop}
""",
    "policy": """
class Own(asyncio.DefaultEventLoopPolicy): pass
@pytest.fixture(scope="session")
def event_loop_policy(): return Own()
""",
    "uvloop": """
import uvloop
def pytest_asyncio_loop_factories(config, item): return {"uvloop": uvloop.new_event_loop}
""",
}

EVERYWHERE = """
import asyncio, time
import pytest, shop
import emulators, gateway, mibs, rigs, wire

def test_packages():
    assert {module.WHOSE for module in (emulators, gateway, mibs, rigs, wire)} == {"theirs"}

@pytest.mark.asyncio
async def test_till(till):
    shop.note("till", shop.loop())

def test_till_too(till):
    pass

@pytest.mark.asyncio
async def test_time_is_real():
    begun = time.monotonic()
    await asyncio.sleep(0.02)
    assert time.monotonic() - begun > 0.01

async def test_unmarked():
    shop.note("unmarked", shop.loop())
"""

OTHERS = {
    "test_anyio.py": """
import pytest, shop, anyio
@pytest.fixture
def anyio_backend(): return "asyncio"
@pytest.fixture
async def clock(anyio_backend):
    yield "theirs"
@pytest.mark.anyio
async def test_anyio(clock):
    await anyio.sleep(0)
    assert clock == "theirs"
""",
    "test_trio.py": """
import pytest, trio
@pytest.fixture
async def rig():
    await trio.sleep(0)
    yield "theirs"
@pytest.mark.trio
async def test_trio(rig, autojump_clock):
    await trio.sleep(10)
""",
    "test_aiohttp.py": """
import pytest, shop
from aiohttp import web
@pytest.fixture
def gateway(): return web.Application()
@pytest.mark.asyncio
async def test_aiohttp(aiohttp_client, gateway):
    client = await aiohttp_client(gateway)
    assert (await client.get("/")).status == 404
    shop.note("aiohttp", shop.loop())
""",
}


def fixture(row: Row, method: bool) -> str:
    """The text of the fixture of a folder."""
    name, kind, use = row["name"], row["kind"], row["use"]
    keys = f'scope="{row["scope"]}", autouse={use == "autouse"}' + ', params=["a", "b"]' * (use == "parametrised")
    maker = "shop.async_fixture" if "async" in kind else "pytest.fixture"
    ends = f'yield "theirs"; shop.note("{name} down")' if "generator" in kind else 'return "theirs"'
    head = f"@{maker}({keys})\n{'async ' if 'async' in kind else ''}def {name}({'self' if method else ''}):\n"
    return head + f'    shop.note("{name} up")\n    {ends}\n'


def folder(row: Row) -> dict[str, str]:
    """The files of a test folder, by name."""
    name, place, use = row["name"], row["place"], row["use"]
    if use == "at run time" and "async" in row["kind"]:
        row = {**row, "test": "def"}  # no loop can do that, and what is left of it ends in any later test
    own = fixture(row, place == "class")
    files = {"conftest.py": "import pytest, shop\n"}
    module = "import unittest\nimport pytest, shop\n"
    if place in {"conftest", "module"}:
        files["conftest.py"] += own * (place == "conftest")
        module += own * (place == "module")
    inside = own if place == "class" else ""
    if use == "indirect":
        inside += f"@pytest.fixture\ndef through(self, {name}):\n    return {name}\n"
    argument = {"argument": name, "parametrised": name, "indirect": "through", "at run time": "request"}.get(use)
    body = (
        f"shop.note({argument or repr(use)})"
        if use != "at run time"
        else f'shop.note(request.getfixturevalue("{name}"))'
    )
    if row["test"] == "async def":
        inside += "@pytest.mark.asyncio\n"
        body += "; shop.note(shop.loop())"
    body = body.replace("shop.note(request)", "pass")
    base = {"def": "unittest.TestCase", "async def": "unittest.IsolatedAsyncioTestCase"}[row["test"]]
    inside += f"{row['test']} test_it(self{', ' + argument if argument else ''}):\n    {body}\n"
    module += f'@pytest.mark.usefixtures("{name}")\n' * (use in {"usefixtures", "unittest"})
    module += f"class TestRow{f'({base})' if use == 'unittest' else ''}:\n"
    module += "".join(f"    {line}\n" for line in inside.splitlines())
    files["test_row.py"] = module
    if place == "conftest" and "async" not in row["kind"] and use != "parametrised":
        files["test_doc.txt"] = f">>> getfixture('{name}')\n'theirs'\n"
    return files


def ini(run: Row) -> str:
    lines = ["[pytest]", "pythonpath = .", "addopts = --strict-markers"]
    if run["loops"] not in {"none", "early"}:
        lines.append(f"asyncio_mode = {run['mode']}")
        lines.append("asyncio_default_fixture_loop_scope = function")
        lines.append(f"asyncio_default_test_loop_scope = {run['loop scope']}")
    if run["warnings"] == "errors of the ini file":
        lines += ["filterwarnings =", "    error", "    ignore:Overriding the:DeprecationWarning"]
    return "\n".join([*lines, "markers =", "    asyncio: theirs", "    anyio: theirs", "    trio: theirs", ""])


def write(project: Path, run: Row, rows: Sequence[Row]) -> None:
    """Write the whole project into an empty folder."""
    files = {"pytest.ini": ini(run), "shop.py": SHOP, "shop_plugin.py": PLUGIN}
    files |= {f"{name}/__init__.py": "WHOSE = 'theirs'\n" for name in PACKAGES}
    plugins = 'pytest_plugins = ["shop_plugin"]\n' if run["plugin"] == "pytest_plugins" else ""
    files["conftest.py"] = "import asyncio\n" + plugins + CONFTEST + LOOPS.get(run["loops"], "")
    for place in ("first", "then"):  # in the order of the alphabet; what is ours is put between them
        files[f"tests/{place}/test_everywhere.py"] = EVERYWHERE
        files[f"tests/{place}/__init__.py"] = ""
    if run["loops"] == "anyio, trio and aiohttp":
        files |= {f"tests/first/{name}": text for name, text in OTHERS.items()}
    for number, row in enumerate(rows):
        if row["place"] == "plugin" and run["plugin"] == "none":
            continue
        for name, text in folder(row).items():
            files[f"tests/row{number}/{name}"] = text
        files[f"tests/row{number}/__init__.py"] = ""
    files["tests/__init__.py"] = ""
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def words(run: Row) -> list[str]:
    """The command line of the project's pytest, behind `python -m pytest`."""
    said = ["-q", f"--import-mode={run['imports']}"]
    said += {"xdist": ["-n1"], "randomly": ["--randomly-seed=7"]}.get(run["runner"], [])
    others = ["trio", "aiohttp", "anyio"] if run["loops"] != "anyio, trio and aiohttp" else []
    for name in [*others, *["randomly"] * (run["runner"] != "randomly"), *["asyncio"] * (run["loops"] == "none")]:
        said += ["-p", f"no:{name}"]
    said += ["-W", "error", "-W", "ignore:Overriding the"] * (run["warnings"] == "errors of the command line")
    return said + ["-p", "shop_plugin"] * (run["plugin"] == "-p")
