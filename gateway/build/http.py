"""Tokens and TLS of the HTTP interface."""

from __future__ import annotations

import ssl

from ridethrough.gateway.api import Holder, Role
from ridethrough.gateway.config.http import Api
from ridethrough.gateway.config.secrets import SecretError, token_digest


def holders_of(api: Api) -> dict[str, Holder]:
    """Holders of tokens by name, with tokens read from their files. Raises SecretError."""
    return {
        name: Holder(Role[token.role.upper()], token.sha256 or token_digest(f"api.tokens.{name}.file", token.file))
        for name, token in api.tokens.items()
    }


def server_tls(api: Api) -> ssl.SSLContext | None:
    """The TLS context of the HTTP interface; None without TLS. Raises SecretError."""
    config = api.tls
    if config is None:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config.client_ca_file)
        if config.client_ca_file is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(config.cert_file, config.key_file)
    except OSError as error:
        raise SecretError(f"api.tls: {error.strerror or error}") from error
    return context
