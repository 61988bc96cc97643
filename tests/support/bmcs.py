"""A rig of BMCs on their own port, and the two families of clients that speak to it."""

from __future__ import annotations

from typing import Any

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import Live, tool

SUITES = [1, 2, 3, 6, 7, 8, 11, 12, 15, 16, 17]
HOSTS = 18  # two of which a test leaves in a state of their own


def rig() -> dict[str, Any]:
    """A BMC with every suite but the open one, one with that, and as many as make sixteen and two."""
    users = {
        "admin": {"password": "admin", "privilege": "administrator"},
        "oper": {"password": "operpw", "privilege": "operator"},
    }
    servers: dict[str, Any] = {}
    for index in range(1, HOSTS + 1):
        bmc: dict[str, Any] = {"address": f"127.0.12.{index}", "users": users, "alerts": []}
        if index == 1:
            bmc |= {"suites": SUITES, "inject": True, "link": {"on": True}}
        elif index == 2:
            bmc |= {"suites": [0, 3]}
        servers[f"server{index}"] = {
            "power": ["city"],
            "address": f"127.0.22.{index}",
            "boot_s": 2,
            "shutdown_s": 1,
            "bmc": bmc,
        }
    # rmcpping and ipmiping know one port only.
    ports = {"snmp": free_port(), "trap": free_port(), "ipmi": 623, "http": "off", "console": "off", "echo": "off"}
    listen = [{"address": "127.0.0.1", "port": ports["trap"]}]
    return {
        "rig": "bmcs",
        "mains": {"city": {"volts": 100}},
        "servers": servers,
        "ports": ports,
        "gateway": {"listen": listen},
    }


def ipmitool(bmcs: Live, *words: str, suite: int = 17, server: int = 1, expect: int = 0) -> str:
    options = ["-I", "lanplus", "-C", str(suite), *bmcs.bmc(f"server{server}"), "-N", "2", "-R", "3"]
    return tool("ipmitool", *options, *words, expect=expect)


def freeipmi(program: str, *words: str, suite: int = 17, server: int = 1, expect: int = 0) -> str:
    options = ["-h", f"127.0.12.{server}", "-u", "admin", "-p", "admin", "-D", "LAN_2_0", "-l", "ADMIN"]
    return tool(program, *options, "-I", str(suite), *words, expect=expect)
