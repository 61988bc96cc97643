"""Rules about the address, the code and the port by which terminals talk (001 7.1, 003 (21)(22)). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface

from ridethrough.rigs.checks.rows import Row, Violation, keys_of
from ridethrough.rigs.rigfile.schema import RigFile

LONGEST_CODE = 15
EVERYBODY = "255.255.255.255"  # 既定値


def policies(rig: RigFile) -> Iterator[Violation]:
    """X08: address, code and port are the same in all groups, and on all servers."""
    placed = rig.topology().placed
    for item in placed:
        first, own = placed[0].group.policy, item.group.policy
        where = ("groups", *keys_of(item.under), item.name)
        if own.address != first.address:
            yield where, f"通信用IP {own.address} differs from {first.address} of {placed[0].name}; one for all groups"
        if own.code != first.code:
            yield (
                where,
                f"通信用認識コード {own.code} differs from {first.code} of {placed[0].name}; one for all groups",
            )
        if len(own.code) > LONGEST_CODE:
            yield where, f"通信用認識コード {own.code} has more than 15 characters"
        if own.port != first.port:
            yield where, f"port {own.port} differs from {first.port}; one for the whole system"
    yield from _servers(rig, {placed[0].group.policy.port} if placed else set())


def _servers(rig: RigFile, ports: set[int]) -> Iterator[Violation]:
    first = next(iter(rig.environment.servers.values()), None)
    for name, software in rig.environment.servers.items():
        where = ("environment", "servers", name)
        if ports and software.port not in ports:
            yield (*where, "port"), f"port {software.port} is not the groups' {ports.pop()}"
            return
        if first is not None and software.communication_ip != first.communication_ip:
            words = f"通信用IP {software.communication_ip} differs from {first.communication_ip} of another server"
            yield (*where, "communication_ip"), f"{words}; システムで統一する必要があります"


def broadcasts(rig: RigFile) -> Iterator[Violation]:
    """X33: 通信用IP is the local broadcast of the terminals' network, or the address of the only terminal."""
    topology = rig.topology()
    terminals = {name: rig.servers[name].address for name in topology.terminals}
    for name, group, under, _ in topology.placed:
        given = group.policy.address
        if given == EVERYBODY or list(terminals.values()) == [given]:
            continue
        where = ("groups", *keys_of(under), name, "policy", "address")
        owner = next((server for server, address in terminals.items() if address == given), None)
        if owner is not None:
            words = f"{given} is {owner}'s own address, and there are {len(terminals)} control terminals"
            yield where, f"{words} (制御端末のIPアドレスは制御端末が1台の場合のみ)"
        elif missed := [server for server in terminals if given not in _networks(rig, server)]:
            words = f"通信用IP {given} is no local broadcast that reaches {', '.join(missed)}"
            yield where, f"{words} (制御端末に届く「ローカルブロードキャストアドレス」)"
    for name, software in rig.environment.servers.items():
        given = software.communication_ip
        if given != EVERYBODY and name in rig.servers and given not in _networks(rig, name):
            words = f"通信用IP {given} is not the local broadcast of its network, {_networks(rig, name)[0]}"
            yield ("environment", "servers", name, "communication_ip"), f"{words} (ローカルブロードキャストアドレス)"


def _networks(rig: RigFile, server: str) -> list[str]:
    """Return the broadcast addresses of a server's networks: (address AND mask) OR NOT mask (001 7.1)."""
    config, mask = rig.servers[server], rig.environment.netmask
    interfaces = [IPv4Interface(f"{address}/{mask}") for address in (config.address, *config.other_addresses)]
    return [str(IPv4Address(interface.network.broadcast_address)) for interface in interfaces]


COMMUNICATION_RULES: tuple[Row, ...] = (
    ("X08", False, "003 (21)(22), 1.7.4.4", policies),
    ("X33", False, "001 7.1, 003 (21)", broadcasts),
)
