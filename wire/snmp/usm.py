"""Keys, authentication and privacy of the User-based Security Model (RFC 3414, RFC 3826, RFC 7860)."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from functools import lru_cache

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ridethrough.wire.primitives import cfb_decrypted, cfb_encrypted, keyed

EXPANDED_OCTETS = 1_048_576  # RFC 3414 section A.2
DES_BLOCK = 8
SHORT = 96  # octets for which ciphers are chained by hand
SALT = 8


class Auth(StrEnum):
    """Authentication protocols, by the names that managers use for them."""

    MD5 = "md5"
    SHA = "sha"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class Priv(StrEnum):
    """Privacy protocols."""

    DES = "des"
    AES128 = "aes128"
    AES192 = "aes192"
    AES256 = "aes256"


# Hash and octets kept of its HMAC (RFC 3414 sections 6 and 7, RFC 7860 section 4.2.2).
AUTHENTICATION: dict[Auth, tuple[str, int]] = {
    Auth.MD5: ("md5", 12),
    Auth.SHA: ("sha1", 12),
    Auth.SHA224: ("sha224", 16),
    Auth.SHA256: ("sha256", 24),
    Auth.SHA384: ("sha384", 32),
    Auth.SHA512: ("sha512", 48),
}
KEY_OCTETS: dict[Priv, int] = {Priv.DES: 16, Priv.AES128: 16, Priv.AES192: 24, Priv.AES256: 32}


def code_length(auth: Auth) -> int:
    """Octets of msgAuthenticationParameters."""
    return AUTHENTICATION[auth][1]


@lru_cache(maxsize=256)
def localized_key(auth: Auth, password: bytes, engine_id: bytes) -> bytes:
    """Key of a user at one engine (RFC 3414 section A.2). Takes milliseconds, so it is remembered.

    Raises ValueError for an empty password.
    """
    if not password:
        raise ValueError("a password has at least one octet")
    digest = AUTHENTICATION[auth][0]
    repeated = (password * (EXPANDED_OCTETS // len(password) + 1))[:EXPANDED_OCTETS]
    key = hashlib.new(digest, repeated, usedforsecurity=False).digest()
    return hashlib.new(digest, key + engine_id + key, usedforsecurity=False).digest()


@lru_cache(maxsize=256)
def privacy_key(auth: Auth, priv: Priv, password: bytes, engine_id: bytes) -> bytes:
    """Key for privacy; one longer than the hash is extended by hashing it (draft-blumenthal-aes-usm-04, 3.1.2.1)."""
    key = localized_key(auth, password, engine_id)
    while len(key) < KEY_OCTETS[priv]:
        key += hashlib.new(AUTHENTICATION[auth][0], key, usedforsecurity=False).digest()
    return key[: KEY_OCTETS[priv]]


def code(auth: Auth, key: bytes, message: bytes) -> bytes:
    """Authentication code of a whole message whose own field is zero."""
    digest, length = AUTHENTICATION[auth]
    return keyed(digest, key).code(message)[:length]


def encrypt(priv: Priv, key: bytes, plain: bytes, boots: int, time_s: int, salt: bytes) -> bytes:
    """Cipher text; `salt` of 8 octets goes into msgPrivacyParameters and must never repeat."""
    if priv is Priv.DES:
        plain += bytes(-len(plain) % DES_BLOCK)  # RFC 3414 section 8.1.1.2
    elif len(plain) <= SHORT:
        return cfb_encrypted(key, boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt, plain)
    encryptor = _cipher(priv, key, boots, time_s, salt).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def decrypt(priv: Priv, key: bytes, data: bytes, boots: int, time_s: int, salt: bytes) -> bytes | None:
    """Plain text, perhaps with padding behind it; None for lengths that the protocol cannot have."""
    if len(salt) != SALT or (priv is Priv.DES and len(data) % DES_BLOCK):
        return None
    if priv is Priv.DES:
        decryptor = _cipher(priv, key, boots, time_s, salt).decryptor()
        return decryptor.update(data) + decryptor.finalize()
    return cfb_decrypted(key, boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt, data)


def _cipher(priv: Priv, key: bytes, boots: int, time_s: int, salt: bytes) -> Cipher[modes.CBC] | Cipher[CFB]:
    if priv is Priv.DES:
        # RFC 3414 section 8.1.1.1. Single DES, as triple DES with three equal keys.
        iv = bytes(left ^ right for left, right in zip(key[8:16], salt, strict=True))
        return Cipher(TripleDES(key[:8] * 3), modes.CBC(iv))
    # RFC 3826 section 3.1.2.1
    iv = boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt
    return Cipher(_aes(key), CFB(iv))


@lru_cache(maxsize=256)
def _aes(key: bytes) -> algorithms.AES:
    return algorithms.AES(key)
