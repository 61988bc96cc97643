"""Passphrases, tokens, passwords and certificates, read from the files that a site file names."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ridethrough.gateway.config.clients import NatsLogin, Tls

SHORTEST_PASSPHRASE = 8  # RFC 3414 section 11.2
SHORTEST_TOKEN = 16


class SecretError(ValueError):
    """A secret, certificate or library that cannot be used. One line; never the secret."""


def read_passphrase(where: str, name: str, text: str | None, path: Path | None) -> bytes:
    """The passphrase `name` (auth or priv) of a user: given as text, or read from a file. Raises SecretError."""
    if path is None:
        return (text or "").encode()
    try:
        read = path.read_text().rstrip("\r\n")
    except OSError as error:
        raise SecretError(f"{where}.{name}_key_file {path}: {error.strerror}") from error
    if len(read) < SHORTEST_PASSPHRASE:
        raise SecretError(f"{where}.{name}_key_file {path}: a passphrase has at least 8 characters")
    return read.encode()


def token_digest(where: str, path: Path | None) -> str:
    """The SHA-256, in hexadecimal, of the token in a file. Raises SecretError."""
    try:
        text = "" if path is None else path.read_text().strip()
    except OSError as error:
        raise SecretError(f"{where} {path}: {error.strerror}") from error
    if len(text) < SHORTEST_TOKEN:
        raise SecretError(f"{where} {path}: a token has at least {SHORTEST_TOKEN} characters")
    return hashlib.sha256(text.encode()).hexdigest()


def client_tls(where: str, config: Tls | None) -> Callable[[], ssl.SSLContext | None]:
    """A context made when it is needed, from files that exist now. Raises SecretError."""
    if config is None:
        return lambda: None

    def context() -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=config.ca_file)
        if config.cert_file is not None:
            made.load_cert_chain(config.cert_file, config.key_file)
        return made

    try:
        context()
    except OSError as error:
        raise SecretError(f"{where}.tls: {error.strerror or error}") from error
    return context


def nats_login(where: str, config: NatsLogin) -> Callable[[], dict[str, Any]]:
    """The arguments of a connection to NATS, with the password read each time it is called.

    Raises SecretError, also where nats-py is not installed.
    """
    if find_spec("nats") is None:
        raise SecretError(f"{where}: NATS needs the package nats-py; install ridethrough[nats]")

    def arguments() -> dict[str, Any]:
        known: dict[str, Any] = {"servers": list(config.servers)}
        if config.user is not None and config.password_file is not None:
            known |= {"user": config.user, "password": config.password_file.read_text().rstrip("\r\n")}
        if config.credentials_file is not None:
            known["user_credentials"] = str(config.credentials_file)
        return known

    try:
        arguments()
    except OSError as error:
        raise SecretError(f"{where}.login.password_file {config.password_file}: {error.strerror}") from error
    return arguments
