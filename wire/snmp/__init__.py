"""SNMP version 1 and 2c: values, messages and the codec."""

from ridethrough.wire.snmp.codec import decode, encode
from ridethrough.wire.snmp.convert import notification
from ridethrough.wire.snmp.values import (
    ErrorStatus,
    GenericTrap,
    Kind,
    Message,
    Pdu,
    Tag,
    TrapV1,
    Value,
    VarBind,
    Version,
)

__all__ = [
    "ErrorStatus",
    "GenericTrap",
    "Kind",
    "Message",
    "Pdu",
    "Tag",
    "TrapV1",
    "Value",
    "VarBind",
    "Version",
    "decode",
    "encode",
    "notification",
]
