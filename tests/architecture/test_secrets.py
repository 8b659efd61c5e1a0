from source_trees import PRODUCT, mentioned, scoped, sources

REVEALS = {
    ("matching/group.py", "_half"): "half of the scalar, by libsodium, goes into the kernel",
    ("matching/group.py", "base_multiply"): "the scalar goes into libsodium",
    ("matching/group.py", "multiply"): "the scalar goes into libsodium",
    ("matching/group.py", "response"): "nonce, challenge and scalar go into libsodium",
    ("matching/keyproof.py", "prove"): "the hedge of the nonce; a challenge is public",
    ("matching/keyproof.py", "verify"): "a challenge is public",
    ("matching/proof.py", "prove"): "the hedge of the nonce",
    ("cleanroom/agent/epochs.py", "_drawn"): "the fresh scalar goes into the sealed vault",
    ("cleanroom/agent/keys.py", "PrivateIdentity.__init__"): "the seed becomes the signing key",
    ("cleanroom/agent/keys.py", "PrivateIdentity.load"): "parses the vault's record into secrets again",
    ("cleanroom/agent/keys.py", "PrivateIdentity.store"): "both keys go into the sealed vault",
    ("cleanroom/agent/user_keys.py", "_unseal"): "the user's seed becomes the signing key",
    ("cleanroom/agent/vault_key.py", "RecordSeal.__init__"): "the data key goes into AES-GCM and the key derivation",
    ("cleanroom/agent/vault_key.py", "RecordSeal.contents_tag"): "the mark key goes into HMAC",
    ("cleanroom/agent/vault_key.py", "RecordSeal.mark"): "the mark key goes into HMAC",
    ("cleanroom/agent/vault_key.py", "_normal"): "the passphrase is put into NFC and wrapped again",
    ("cleanroom/agent/vault_key.py", "_wrapping_key"): "the passphrase goes into Argon2id",
    ("cleanroom/agent/vault_key.py", "require_passphrase"): "the passphrase's length is checked",
    ("cleanroom/agent/vault_key.py", "unwrap"): "the wrapping key goes into AES-GCM",
    ("cleanroom/agent/vault_key.py", "wrap"): "wrapping key and data key go into AES-GCM",
    ("cleanroom/domain/secret.py", "Secret.__eq__"): "comparison in constant time",
    ("cleanroom/messages/sealing.py", "SealingKey.from_bytes"): "the private key is parsed",
    ("escrow/identity.py", "EscrowKey.__init__"): "the seed becomes the signing key",
}
"""Every place that takes a secret out of its wrapper, and why it has to."""

UNRELEASED = {
    "CellCounts",
    "Rest",
    "about_first",
    "about_second",
    "cell_counts",
    "disclose",
    "first_sizes",
    "second_sizes",
}
MAY_COUNT = ("matching/overlap.py", "matching/disclosure/", "escrow/answers.py", "bench/join.py")
"""The last one counts random tags of its own."""


def test_secrets_are_revealed_only_where_the_table_says() -> None:
    found = {
        (path, scope)
        for path, tree in sources(*PRODUCT, "bench", "examples")
        for scope, node in scoped(tree)
        if getattr(node, "attr", None) == "reveal" or getattr(node, "value", None) == "reveal"
    }
    assert found == set(REVEALS)
    assert all(REVEALS.values())


def test_unreleased_counts_are_named_only_where_the_counting_rule_is_applied() -> None:
    found = {path for path, tree in sources(*PRODUCT, "bench", "examples") if UNRELEASED & mentioned(tree)}
    assert {path for path in found if not path.startswith(MAY_COUNT)} == set()
    assert {"matching/overlap.py", "matching/disclosure/rule.py", "escrow/answers.py"} <= found
