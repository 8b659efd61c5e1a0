"""Length-prefixed concatenation: everything that is hashed or signed goes through it, so no two inputs collide."""


def packed(*parts: bytes) -> bytes:
    """Each part behind its length as 4 bytes, big-endian (RFC 9497 uses 2; identifiers here may be longer)."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
