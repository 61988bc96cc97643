"""The inventory of FRU 0 (Platform Management FRU Information Storage Definition 1.0)."""

from __future__ import annotations

from ridethrough.emulators.devices.bmc.profile import Area, FruInventory

SIZE = 512
FORMAT = 1
ENGLISH = 0
END = 0xC1
TEXT = 0xC0  # 8-bit ASCII and Latin 1


def image(inventory: FruInventory, size: int = SIZE) -> bytes:
    """The octets of the inventory, filled up with zeros."""
    if inventory.octets:
        return inventory.octets
    areas = (
        (inventory.chassis, bytes((inventory.chassis.kind if inventory.chassis else 0,))),
        (inventory.board, bytes((ENGLISH, 0, 0, 0))),  # date of manufacture unspecified
        (inventory.product, bytes((ENGLISH,))),
    )
    offsets = []
    body = b""
    for area, head in areas:
        if area is None:
            offsets.append(0)
            continue
        offsets.append((8 + len(body)) // 8)
        body += _area(head, area)
    header = _checked(bytes((FORMAT, 0, *offsets, 0, 0)))
    return (header + body).ljust(size, b"\0")


def _area(head: bytes, area: Area) -> bytes:
    """Format, length in units of eight octets, fields, the end mark, padding and checksum."""
    content = head
    for text in area.fields:
        octets = text.encode("latin-1")
        if len(octets) == 1:
            octets += b" "  # a length of one would read as the end mark
        content += bytes((TEXT | len(octets) if octets else 0,)) + octets
    content += bytes((END,))
    units = (2 + len(content) + 1 + 7) // 8
    return _checked((bytes((FORMAT, units)) + content).ljust(8 * units - 1, b"\0"))


def _checked(octets: bytes) -> bytes:
    """With the octet behind it that makes the sum zero."""
    return octets + bytes((-sum(octets) & 0xFF,))
