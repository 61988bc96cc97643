"""The base model and the field types of a site file."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Base of all models: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _ip(text: str) -> str:
    return str(ip_address(text))


def _host_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > LAST_PORT:
        raise ValueError(f"{text!r}: expected HOST:PORT, such as 127.0.0.1:8080, an IPv6 address in brackets")
    return text


LAST_PORT = 65535
Address = Annotated[str, AfterValidator(_ip)]
HostPort = Annotated[str, AfterValidator(_host_port)]
"""Port 0 takes one that is free."""
Port = Annotated[int, Field(ge=1, le=LAST_PORT)]
Seconds = Annotated[float, Field(gt=0)]
DeviceId = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
