"""Notes made by hand from C2SP's texts, with `cryptography` and nothing of ours."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """signed-note: SHA-256(key name || 0x0A || signature type || public key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def line(name: str, data: bytes) -> str:
    return f"\u2014 {name} {base64.b64encode(data).decode()}\n"


def plain_line(name: str, key: Ed25519PrivateKey, text: str) -> str:
    """signed-note, type 0x01."""
    return line(name, key_id(name, 1, key.public_key().public_bytes_raw()) + key.sign(text.encode()))


def timed_line(name: str, key: Ed25519PrivateKey, text: str, seconds: int) -> str:
    """tlog-cosignature, type 0x04: header line, time line, the whole text; u64 time in front of the signature."""
    signature = key.sign(b"cosignature/v1\ntime " + str(seconds).encode() + b"\n" + text.encode())
    own = key_id(name, 4, key.public_key().public_bytes_raw())
    return line(name, own + seconds.to_bytes(8, "big") + signature)


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """tlog-checkpoint, without extension lines."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
