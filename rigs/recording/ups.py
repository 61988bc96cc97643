"""Walk a card with pysnmp into a recording, an independent reader of what the card says."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi

from ridethrough.gateway.net.addresses import resolve
from ridethrough.mibs import Oid
from ridethrough.rigs.recording.walks import read_snmprec
from ridethrough.wire.snmp import Tag

ROOTS = tuple(Oid.parse(text) for text in ("1.3.6.1.2.1.1", "1.3.6.1.2.1.33", "1.3.6.1.4.1.318"))
TIMEOUT_S = 3
RETRIES = 3
AUTH_PROTOCOLS = {
    "md5": hlapi.USM_AUTH_HMAC96_MD5,
    "sha": hlapi.USM_AUTH_HMAC96_SHA,
    "sha224": hlapi.USM_AUTH_HMAC128_SHA224,
    "sha256": hlapi.USM_AUTH_HMAC192_SHA256,
    "sha384": hlapi.USM_AUTH_HMAC256_SHA384,
    "sha512": hlapi.USM_AUTH_HMAC384_SHA512,
}
PRIV_PROTOCOLS = {
    "des": hlapi.USM_PRIV_CBC56_DES,
    "aes128": hlapi.USM_PRIV_CFB128_AES,
    "aes192": hlapi.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "aes256": hlapi.USM_PRIV_CFB256_AES_BLUMENTHAL,
}


class WalkError(Exception):
    """A walk that ended early. One line that says why; what was read is kept."""


def community(version: str, text: str) -> Any:
    """Credentials of version 1 or 2c."""
    return hlapi.CommunityData(text, mpModel=0 if version == "1" else 1)


def user(name: str, auth: str | None, auth_key: str | None, priv: str | None, priv_key: str | None) -> Any:
    """Credentials of version 3. Raises KeyError for protocols that do not exist."""
    keys: dict[str, Any] = {}
    if auth:
        keys |= {"authKey": auth_key, "authProtocol": AUTH_PROTOCOLS[auth]}
    if priv:
        keys |= {"privKey": priv_key, "privProtocol": PRIV_PROTOCOLS[priv]}
    return hlapi.UsmUserData(name, **keys)  # noqa: S509  # the card's owner chose the level


async def record(address: str, port: int, credentials: Any, out: Path, progress: Callable[[int, str], None]) -> int:
    """Walk the card's subtrees into `out`; the number of instances.

    Lines gather in `out` with `.part` behind its name; when that file is there already, the walk goes on behind its
    last whole line. Raises WalkError.
    """
    part = out.with_name(out.name + ".part")
    lines = _whole_lines(part)
    last = read_snmprec(part)[-1].oid if lines else None
    with part.open("a", encoding="utf-8") as stream:
        async for line in _walk(address, port, credentials, last):
            stream.write(line + "\n")
            stream.flush()
            lines += 1
            progress(lines, line.partition("|")[0])
    if not lines:
        raise WalkError(f"{address}:{port} has nothing in {', '.join(map(str, ROOTS))}")
    part.replace(out)
    return lines


def _whole_lines(part: Path) -> int:
    """Cut off what an interruption left of a last line; the number of lines that remain."""
    if not part.exists():
        return 0
    text = part.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        part.write_text(whole, encoding="utf-8")
    return whole.count("\n")


async def _walk(address: str, port: int, credentials: Any, last: Oid | None) -> AsyncIterator[str]:
    engine = hlapi.SnmpEngine()
    try:
        target = await _answering(engine, credentials, address, port)
        for root in ROOTS:
            if last is not None and last >= root and not root.covers(last):
                continue  # walked before the interruption
            at = last if last is not None and root.covers(last) else root
            while (found := await _next(engine, credentials, target, at, address)) is not None:
                at, value = found
                if not root.covers(at):
                    break
                yield f"{at}|{_value(value)}"
    finally:
        engine.close_dispatcher()


async def _answering(engine: Any, credentials: Any, host: str, port: int) -> Any:
    """The first of the name's addresses that answers; pysnmp itself takes one of one family. Raises WalkError."""
    try:
        addresses = await resolve(host, port)
    except OSError as error:
        raise WalkError(f"{host}: {error.strerror or error}") from error
    trouble: WalkError | None = None
    for address in addresses:
        kind = hlapi.Udp6TransportTarget if address.family == socket.AF_INET6 else hlapi.UdpTransportTarget
        try:
            target = await kind.create((address.host, port), timeout=TIMEOUT_S, retries=RETRIES)
            if len(addresses) > 1:
                await _next(engine, credentials, target, ROOTS[0], host)
        except (WalkError, PySnmpError, OSError) as error:
            trouble = trouble or WalkError(str(error))
        else:
            return target
    raise trouble or WalkError(f"{host} has no address")


async def _next(engine: Any, credentials: Any, target: Any, at: Oid, address: str) -> tuple[Oid, Any] | None:
    """The instance behind `at`; None at the end of the card's view. Raises WalkError."""
    name = hlapi.ObjectType(hlapi.ObjectIdentity(str(at)))
    indication, status, _, binds = await hlapi.next_cmd(
        engine, credentials, target, hlapi.ContextData(), name, lookupMib=False
    )
    if indication:
        raise WalkError(f"{address}: {indication}")
    if int(status) == 2:  # noSuchName: version 1 says so at the end of the view
        return None
    if int(status):
        raise WalkError(f"{address} refused at {at}: {status.prettyPrint()}")
    following, value = binds[0]
    found = Oid(tuple(following))
    if _tag(value) in (Tag.NULL, Tag.END_OF_MIB_VIEW, Tag.NO_SUCH_OBJECT, Tag.NO_SUCH_INSTANCE):
        return None
    if found <= at:
        raise WalkError(f"{address} answers {found} behind {at}: its objects are not in order")
    return found, value


def _tag(value: Any) -> int:
    tag = value.tagSet[-1]
    return int(tag.tagClass | tag.tagId)


def _value(value: Any) -> str:
    """`TAG|VALUE` as snmpsim writes it; octets in hexadecimal unless they are plain text."""
    tag = _tag(value)
    if tag == Tag.OCTET_STRING:
        octets = bytes(value)
        plain = octets.isascii() and octets.decode("ascii").isprintable()
        return f"{tag}|{octets.decode('ascii')}" if plain else f"{tag}x|{octets.hex()}"
    if tag == Tag.IP_ADDRESS:
        return f"{tag}|{'.'.join(map(str, bytes(value)))}"
    if tag == Tag.OBJECT_IDENTIFIER:
        return f"{tag}|{Oid(tuple(value))}"
    return f"{tag}|{int(value)}"
