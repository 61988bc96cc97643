"""Cipher suites and what their algorithms compute (IPMI 2.0 sections 13.28 to 13.32 and 22.15.2)."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from ridethrough.wire.errors import WireError
from ridethrough.wire.primitives import BLOCK, Hmac, cbc_pair, keyed

# Clients of every origin take 20 octets for K1 and K2 whatever the hash (section 13.32 names no length).
CONSTANT_1, CONSTANT_2 = b"\x01" * 20, b"\x02" * 20


class Authentication(NamedTuple):
    """RAKP algorithm: hash, length of the key exchange codes and of the integrity check value (section 13.28.1)."""

    digest: str
    code_length: int
    icv_length: int


class Integrity(NamedTuple):
    """Integrity algorithm: hash and length of the code (section 13.28.4)."""

    digest: str
    code_length: int


AUTHENTICATION: dict[int, Authentication] = {
    0: Authentication("sha1", 0, 0),  # RAKP-none: no code is sent, and no key is made of the hash
    1: Authentication("sha1", 20, 12),
    2: Authentication("md5", 16, 16),
    3: Authentication("sha256", 32, 16),
}
INTEGRITY: dict[int, Integrity | None] = {
    0: None,
    1: Integrity("sha1", 12),
    2: Integrity("md5", 16),
    3: Integrity("md5", 16),
    4: Integrity("sha256", 16),
}
NO_CONFIDENTIALITY = 0
AES_CBC_128 = 1


MD5_OF_PASSWORD = 3  # integrity by a hash over password, packet and password (section 13.28.4)
PASSWORD_OCTETS = 20


class Suite(NamedTuple):
    """One row of IPMI 2.0 table 22-20."""

    number: int
    authentication: int
    integrity: int
    confidentiality: int


SUITES: dict[int, Suite] = {
    suite.number: suite
    for suite in (
        Suite(0, 0, 0, 0),
        Suite(1, 1, 0, 0),
        Suite(2, 1, 1, 0),
        Suite(3, 1, 1, 1),
        Suite(6, 2, 0, 0),
        Suite(7, 2, 2, 0),
        Suite(8, 2, 2, 1),
        Suite(11, 2, 3, 0),
        Suite(12, 2, 3, 1),
        Suite(15, 3, 0, 0),
        Suite(16, 3, 4, 0),
        Suite(17, 3, 4, 1),
    )
}


def suite_of(authentication: int, integrity: int, confidentiality: int) -> Suite | None:
    """The suite that combines these three algorithms."""
    for suite in SUITES.values():
        if suite[1:] == (authentication, integrity, confidentiality):
            return suite
    return None


def suite_record(suite: Suite) -> bytes:
    """The record of Get Channel Cipher Suites (table 22-19)."""
    return bytes((0xC0, suite.number, suite.authentication, 0x40 | suite.integrity, 0x80 | suite.confidentiality))


class Handshake:
    """The values that both ends know when RAKP ends; codes and keys are functions of them (section 13.31).

    `role` is the octet of RAKP message 1 as received.
    """

    def __init__(
        self,
        suite: Suite,
        console_sid: int,
        bmc_sid: int,
        console_random: bytes,
        bmc_random: bytes,
        guid: bytes,
        role: int,
        user: bytes,
        password: bytes,
    ) -> None:
        self._console_sid = console_sid.to_bytes(4, "little")
        self._bmc_sid = bmc_sid.to_bytes(4, "little")
        self._console_random = console_random
        self._bmc_random = bmc_random
        self._guid = guid
        self._name = bytes((role, len(user))) + user
        self._algorithm = AUTHENTICATION[suite.authentication]
        self._by_password = keyed(self._algorithm.digest, password)

    def rakp2_code(self) -> bytes:
        """Return the code of RAKP message 2 (section 13.21)."""
        text = self._console_sid + self._bmc_sid + self._console_random + self._bmc_random + self._guid + self._name
        return self._by_password.code(text)[: self._algorithm.code_length]

    def rakp3_code(self) -> bytes:
        """Return the code of RAKP message 3 (section 13.22)."""
        text = self._bmc_random + self._console_sid + self._name
        return self._by_password.code(text)[: self._algorithm.code_length]

    def by_session_key(self, kg: bytes = b"") -> Hmac:
        """HMAC with the SIK as its key, which is all that a SIK is for. It is made with KG, if there is one."""
        by_key = keyed(self._algorithm.digest, kg) if kg else self._by_password
        return Hmac(self._algorithm.digest, by_key.code(self._console_random + self._bmc_random + self._name))

    def rakp4_icv(self, by_session_key: Hmac) -> bytes:
        """Return the integrity check value of RAKP message 4 (section 13.23)."""
        code = by_session_key.code(self._console_random + self._bmc_sid + self._guid)
        return code[: self._algorithm.icv_length]


PADS = [bytes(range(1, count + 1)) + bytes((count,)) for count in range(BLOCK)]
"""Confidentiality trailers by the number of pad octets (table 13-20)."""


class SessionKeys:
    """Protection of the packets of one session."""

    def __init__(self, suite: Suite, by_session_key: Hmac, password: bytes = b"") -> None:
        self._password = password.ljust(PASSWORD_OCTETS, b"\0") if suite.integrity == MD5_OF_PASSWORD else b""
        self.integrity = INTEGRITY[suite.integrity]
        self.code_length = self.integrity.code_length if self.integrity else 0
        self.encrypts = suite.confidentiality == AES_CBC_128
        self.flags = self.encrypts << 7 | (self.integrity is not None) << 6  # of the session header (section 13.27.3)
        if self.integrity is not None:
            self._hmac = Hmac(self.integrity.digest, by_session_key.code(CONSTANT_1))
        if self.encrypts:
            self._write, self._read = cbc_pair(by_session_key.code(CONSTANT_2)[:BLOCK])

    def code(self, covered: bytes) -> bytes:
        """Authentication code over `covered`."""
        if self.integrity is None:
            return b""
        if self._password:
            return hashlib.md5(self._password + covered + self._password, usedforsecurity=False).digest()
        return self._hmac.code(covered)[: self.code_length]

    def encrypt(self, plain: bytes, nonce: bytes) -> bytes:
        """Confidentiality header (the IV) and cipher text with trailer (section 13.29).

        The IV is made of `nonce`, 16 octets that come once in a session (NIST SP 800-38A appendix C).
        """
        return self._write(nonce + plain + PADS[~len(plain) % BLOCK])

    def decrypt(self, data: bytes, offset: int) -> bytes:
        """The plain payload. Raises WireError when length or pad are wrong."""
        if len(data) < 2 * BLOCK or len(data) % BLOCK:
            raise WireError(offset, "an AES payload is an IV and whole blocks")
        plain = self._read(data)
        count = plain[-1]
        if count >= BLOCK or not plain.endswith(PADS[count]):
            raise WireError(offset + len(data) - 1, "the confidentiality pad is not 01h 02h 03h ...")
        return plain[BLOCK : -1 - count]


def md5_code(password: bytes, session_id: int, message: bytes, sequence: int) -> bytes:
    """Authentication code of IPMI 1.5 with MD5 (section 13.6 and 22.17.1). `password` is padded here."""
    padded = password.ljust(16, b"\0")
    text = padded + session_id.to_bytes(4, "little") + message + sequence.to_bytes(4, "little") + padded
    return hashlib.md5(text, usedforsecurity=False).digest()
