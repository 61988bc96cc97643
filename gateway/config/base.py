"""The base model and the field types of a site file."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Base of all models: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _ip(text: str) -> str:
    return str(ip_address(text))


def split_host_port(text: str) -> tuple[str, int]:
    """Host, without the brackets of IPv6, and port of `HOST:PORT`. Raises ValueError."""
    host, _, digits = text.rpartition(":")
    host = host.strip("[]")
    if not (host and digits.isascii() and digits.isdecimal() and len(digits) <= 5 and int(digits) <= LAST_PORT):
        raise ValueError(f"{text!r} is not HOST:PORT")
    return host, int(digits)


def _host_port(first: int, example: str, text: str) -> str:
    """`text`, if it is `HOST:PORT` with a port from `first` on."""
    try:
        _, port = split_host_port(text)
    except ValueError:
        port = -1
    if port < first:
        raise ValueError(f"{text!r}: expected HOST:PORT, {example}an IPv6 address in brackets")
    return text


LAST_PORT = 65535
Address = Annotated[str, AfterValidator(_ip)]
HostPort = Annotated[str, AfterValidator(partial(_host_port, 1, ""))]
"""`HOST:PORT` to send to."""
BindAddress = Annotated[str, AfterValidator(partial(_host_port, 0, "such as 127.0.0.1:8080, "))]
"""`HOST:PORT` to listen at; port 0 takes one that is free."""
Port = Annotated[int, Field(ge=1, le=LAST_PORT)]
Seconds = Annotated[float, Field(gt=0)]
DeviceId = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
