"""Receipts: C2SP's tlog-proof made again by hand, and every way in which one can lie."""

import base64
import hashlib
from typing import Final

import pytest
from golden import key
from hypothesis import given
from hypothesis import strategies as st
from notes_made import checkpoint_text, plain_line

from cleanroom.messages.inclusion import Inclusion, read_inclusion
from cleanroom.messages.notes import CheckpointRefused, read_note
from matching.merkle import paths, root

ORIGIN: Final = "log.example"
LEAVES: Final = [f'{{"n":{n:02}}}'.encode() for n in range(40)]


def note_over(size: int, *, leaves: list[bytes] = LEAVES) -> str:
    text = checkpoint_text(ORIGIN, size, root(b"".join(leaves[:size]), 8))
    return text + "\n" + plain_line(ORIGIN, key(0x55), text)


def path_of(index: int, size: int) -> bytes:
    return paths(b"".join(LEAVES[:size]), 8, [index])[0]


def written(leaf: bytes, index: int | str, path: bytes, note: str) -> str:
    """tlog-proof: first line, extra, index, one node a line, an empty line, the checkpoint."""
    nodes = [base64.b64encode(path[i : i + 32]).decode() for i in range(0, len(path), 32)]
    head = ["c2sp.org/tlog-proof@v1", "extra " + base64.b64encode(leaf).decode(), f"index {index}", *nodes]
    return "".join(line + "\n" for line in head) + "\n" + note


def receipt(index: int, size: int) -> str:
    return written(LEAVES[index], index, path_of(index, size), note_over(size))


def refused(text: str) -> None:
    with pytest.raises(CheckpointRefused) as refusal:
        read_inclusion(text)
    assert str(refusal.value).startswith(("receipt: ", "checkpoint: "))


@pytest.mark.parametrize("size", [1, 2, 3, 8, 13, 40])
def test_every_receipt_is_written_as_the_specification_says_and_read_again(size: int) -> None:
    for index in range(size):
        text = receipt(index, size)
        made = Inclusion(
            leaf=LEAVES[index], index=index, path=path_of(index, size), checkpoint=read_note(note_over(size))
        )
        assert made.text() == text
        assert read_inclusion(text) == made


def test_a_receipt_that_speaks_of_another_place_or_entry_is_refused() -> None:
    size, note = 13, note_over(13)
    for index in (0, 5, 12):
        path = path_of(index, size)
        for other in range(size):
            if other != index:
                refused(written(LEAVES[index], other, path, note))
                refused(written(LEAVES[other], index, path, note))
                refused(written(LEAVES[index], index, path_of(other, size), note))
        refused(written(LEAVES[index] + b" ", index, path, note))
        refused(written(b"", index, path, note))
        refused(written(LEAVES[index], size, path, note))


def test_a_receipt_under_another_checkpoint_is_refused() -> None:
    rewritten = [b'{"n":xx}', *LEAVES[1:]]
    for size in (1, 5, 6, 12, 14, 40):
        refused(written(LEAVES[5], 5, path_of(5, 13), note_over(size)))
    refused(written(LEAVES[5], 5, path_of(5, 13), note_over(13, leaves=rewritten)))


def test_a_path_that_is_longer_shorter_swapped_or_changed_is_refused() -> None:
    path, note = path_of(5, 13), note_over(13)
    nodes = [path[i : i + 32] for i in range(0, len(path), 32)]
    wrong_paths = [path[32:], path[:-32], path + nodes[0], nodes[0] + path, path[::-1], b"", b"".join(reversed(nodes))]
    wrong_paths += [path[:-1], path + b"\0", path[:40] + bytes([path[40] ^ 1]) + path[41:], nodes[0] * 64]
    for wrong in wrong_paths:
        refused(written(LEAVES[5], 5, wrong, note))
    shifted = written(LEAVES[5], 5, b"", note).replace(
        "index 5\n", "index 5\n" + "".join(base64.b64encode(part).decode() + "\n" for part in (path[:31], path[31:]))
    )
    refused(shifted)


@pytest.mark.parametrize("index", ["05", "+5", "-5", " 5", "5 ", "", "5.0", "0x5", "\u0665", "9" * 17, "9" * 5_000])
def test_an_index_is_a_plain_number(index: str) -> None:
    refused(written(LEAVES[5], index, path_of(5, 13), note_over(13)))


def test_a_text_with_anything_more_less_or_in_another_order_is_refused() -> None:
    text = receipt(5, 13)
    first, extra, index, *rest = text.split("\n")
    for wrong in (
        *("", "\n\n", text + "\n", text + "x", text + " ", " " + text, "\n" + text, text[:-1], text + text),
        *(text.replace("\n", "\r\n"), text.replace("@v1", "@v2"), text.replace("extra ", "extra  ")),
        *("\n".join([first, index, extra, *rest]), "\n".join([first, index, *rest]), "\n".join([first, extra, *rest])),
        *(text.replace("extra ", ""), text.replace("index ", ""), text.replace("extra", "Extra")),
        *(text.replace("\n\n", "\n"), text.replace("\n\n", "\n\n\n"), text.partition("\n\n")[0] + "\n\n"),
        *(text.partition("\n\n")[0], text.partition("\n\n")[2], text.replace("\u2014", "-"), "\ufeff" + text),
        *(text.replace("=\n", "\n", 1), text.replace("=\n", "==\n", 1), text.replace("index 5\n", "index 5\n!!!!\n")),
        text.replace("index 5\n", "index 5\n\u00e9\n"),
    ):
        assert wrong != text
        refused(wrong)


def test_padding_bits_must_be_zero() -> None:
    text = receipt(5, 13)
    node = text.split("\n")[3]
    assert node[-1] == "="
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = last[last.index(node[-2]) + 1]
    assert base64.b64decode(node[:-2] + other + "=") == base64.b64decode(node)
    refused(text.replace(node, node[:-2] + other + "="))


def test_an_entry_has_at_most_65_535_bytes() -> None:
    for length in (65_535, 65_536):
        leaf = b"x" * length
        text = checkpoint_text(ORIGIN, 1, hashlib.sha256(b"\x00" + leaf).digest())
        made = written(leaf, 0, b"", text + "\n" + plain_line(ORIGIN, key(0x55), text))
        if length == 65_535:
            assert read_inclusion(made).leaf == leaf
        else:
            refused(made)


@given(st.data())
def test_any_change_of_entry_index_path_or_checkpoint_is_refused(data: st.DataObject) -> None:
    """Not of the signatures: whoever reads the receipt checks them with the keys that it trusts."""
    text = receipt(21, 40)
    signed = text.rindex("\n\n")
    start = data.draw(st.integers(0, signed))
    end = data.draw(st.integers(start, min(signed, start + 4)))
    changed = text[:start] + data.draw(st.text(max_size=4)) + text[end:]
    origin = text.index(ORIGIN)
    if changed != text and not origin <= start <= origin + len(ORIGIN):
        refused(changed)


@given(st.text())
def test_any_text_is_refused_and_nothing_else_comes_out(text: str) -> None:
    refused(text)
    refused("c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n" + text)
