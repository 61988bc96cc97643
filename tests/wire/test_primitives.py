"""Ciphers and codes of our own chaining against those of the library."""

from __future__ import annotations

import hmac

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.wire import primitives

keys = st.sampled_from([16, 24, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size))
vectors = st.binary(min_size=16, max_size=16)


@given(keys, vectors, st.binary(max_size=200))
def test_cfb(key: bytes, iv: bytes, plain: bytes) -> None:
    writer = Cipher(AES(key), CFB(iv)).encryptor()
    cipher = writer.update(plain) + writer.finalize()
    assert primitives.cfb_encrypted(key, iv, plain) == cipher
    assert primitives.cfb_decrypted(key, iv, cipher) == plain


messages = st.lists(st.integers(2, 12).flatmap(lambda blocks: st.binary(min_size=16 * blocks, max_size=16 * blocks)))


@given(keys, messages)
def test_cbc(key: bytes, plains: list[bytes]) -> None:
    """Each message, whatever went before, is the library's with its own first block as the initialisation vector."""
    write, read = primitives.cbc_pair(key)
    for plain in plains:
        data = write(plain)
        writer = Cipher(AES(key), CBC(data[:16])).encryptor()
        assert writer.update(plain[16:]) + writer.finalize() == data[16:]
        assert read(data)[16:] == plain[16:]


@given(st.sampled_from(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]), st.binary(max_size=200), st.binary())
def test_codes(digest: str, key: bytes, message: bytes) -> None:
    assert primitives.keyed(digest, key).code(message) == hmac.digest(key, message, digest)
