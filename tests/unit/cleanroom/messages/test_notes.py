"""Notes, checkpoints and cosignatures: made again by hand, and what must be refused."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from golden import key, public
from hypothesis import given
from hypothesis import strategies as st
from notes_made import checkpoint_text, key_id, line, plain_line, timed_line

from cleanroom.domain.vocabulary import PartnerId, RoomId
from cleanroom.messages.notes import (
    MOST_SIGNATURES,
    PLAIN,
    TIMED,
    Checkpoint,
    CheckpointRefused,
    NoteKey,
    cosign,
    cosigned,
    escrow_key,
    open_checkpoint,
    operator_origin,
    partner_key,
    read_checkpoint,
    read_note,
    room_origin,
    sign_checkpoint,
)

NOW: Final = datetime(2026, 7, 1, 12, 0, 0, 900_000, tzinfo=UTC)
SECONDS: Final = 1_782_907_200
ROOT: Final = bytes(range(32))
ESCROW, WITNESS, OTHER = key(0x55), key(0x11), key(0x22)
ORIGIN: Final = f"cleanroom/1/{public(0x55).hex()}/rooms/{'0a' * 16}"
TEXT: Final = checkpoint_text(ORIGIN, 9, ROOT)
ITSELF: Final = f"cleanroom/1/{public(0x55).hex()}"
SIGNED: Final = TEXT + "\n" + plain_line(ORIGIN, ESCROW, TEXT) + timed_line(ITSELF, ESCROW, TEXT, SECONDS)


def refused(text: str) -> str:
    with pytest.raises(CheckpointRefused) as refusal:
        read_checkpoint(read_note(text))
    return str(refusal.value)


def not_opened(text: str, origin: str = ORIGIN, public_key: bytes = public(0x55)) -> str:
    with pytest.raises(CheckpointRefused) as refusal:
        open_checkpoint(read_note(text), origin, public_key)
    return str(refusal.value)


# ---- what we write, made again by hand


def test_names_and_origins() -> None:
    hexed, room, partner = public(0x55).hex(), RoomId("0a" * 16), PartnerId("0b" * 16)
    assert room_origin(public(0x55), room) == ORIGIN == f"cleanroom/1/{hexed}/rooms/{room}"
    assert operator_origin(public(0x55)) == f"cleanroom/1/{hexed}/operator"
    assert escrow_key(public(0x55)) == NoteKey(f"cleanroom/1/{hexed}", public(0x55))
    assert partner_key(partner, public(0x11)) == NoteKey(f"cleanroom/1/partners/{partner}", public(0x11))


def test_a_signed_checkpoint_is_what_the_specifications_say() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 9, ROOT), public(0x55), ESCROW.sign, at=NOW)
    assert str(note) == SIGNED
    assert read_note(SIGNED) == note
    assert open_checkpoint(note, ORIGIN, public(0x55)) == (Checkpoint(ORIGIN, 9, ROOT), NOW.replace(microsecond=0))


def test_a_cosignature_is_what_the_specification_says() -> None:
    name = NoteKey("cleanroom/1/partners/" + "0b" * 16, public(0x11))
    added = cosign(TEXT, name, WITNESS.sign, at=NOW)
    assert added.line() == timed_line(name.name, WITNESS, TEXT, SECONDS)
    note = read_note(SIGNED).with_signature(added)
    assert str(note) == SIGNED + added.line()
    assert cosigned(note, name) == NOW.replace(microsecond=0)
    assert open_checkpoint(note, ORIGIN, public(0x55))[0].size == 9


def test_a_later_cosignature_takes_the_place_of_the_same_witness_only() -> None:
    note = read_note(SIGNED)
    first, second = NoteKey("first.example", public(0x11)), NoteKey("second.example", public(0x11))
    for witness, at in ((first, NOW), (second, NOW), (first, NOW + timedelta(hours=1))):
        note = note.with_signature(cosign(TEXT, witness, WITNESS.sign, at=at))
    assert len(note.signatures) == 4
    assert [cosigned(note, each) for each in (first, second)] == [
        NOW.replace(microsecond=0) + timedelta(hours=1),
        NOW.replace(microsecond=0),
    ]
    assert read_note(str(note)) == note


@given(st.integers(0, 10**16 - 1), st.binary(min_size=32, max_size=32), st.datetimes(datetime(1970, 1, 2)))  # noqa: DTZ001 - put into UTC below
def test_every_checkpoint_is_read_as_it_was_signed(size: int, root: bytes, naive: datetime) -> None:
    at = min(naive, datetime(4000, 1, 1)).replace(tzinfo=UTC)  # noqa: DTZ001 - put into UTC here
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root), public(0x55), ESCROW.sign, at=at)
    again = read_note(str(note))
    assert again == note
    assert open_checkpoint(again, ORIGIN, public(0x55)) == (Checkpoint(ORIGIN, size, root), at.replace(microsecond=0))


def test_a_checkpoint_is_named_by_size_and_root_only() -> None:
    assert str(Checkpoint(ORIGIN, 9, ROOT)) == "size 9, root 0001020304050607"


# ---- signatures that do not hold


def test_a_checkpoint_of_another_log_or_key_is_not_opened() -> None:
    assert "of another log" in not_opened(SIGNED, origin=ORIGIN[:-1] + "b")
    assert "not signed by the log" in not_opened(SIGNED, public_key=public(0x22))


def test_a_checkpoint_with_another_text_under_the_same_signatures_is_not_opened() -> None:
    for other in (
        checkpoint_text(ORIGIN, 8, ROOT),
        checkpoint_text(ORIGIN, 9, ROOT[::-1]),
        checkpoint_text(ORIGIN[:-1] + "b", 9, ROOT),
    ):
        assert "not signed" in not_opened(SIGNED.replace(TEXT, other), origin=other.split("\n")[0])


def test_both_of_the_logs_signatures_are_needed_and_each_must_hold() -> None:
    plain, timed = plain_line(ORIGIN, ESCROW, TEXT), timed_line(ITSELF, ESCROW, TEXT, SECONDS)
    older = checkpoint_text(ORIGIN, 8, ROOT)
    assert "its moment is not signed" in not_opened(TEXT + "\n" + plain)
    assert "not signed by the log" in not_opened(TEXT + "\n" + timed)
    assert "not signed by the log" in not_opened(TEXT + "\n" + plain_line(ORIGIN, ESCROW, older) + timed)
    assert "does not hold" in not_opened(TEXT + "\n" + plain + timed_line(ITSELF, ESCROW, older, SECONDS))
    assert "its moment" in not_opened(TEXT + "\n" + plain + timed_line(ORIGIN, ESCROW, TEXT, SECONDS))


def test_a_signature_of_one_type_does_not_pass_for_the_other() -> None:
    """The 64 bytes of a plain signature behind a time and the id of type 0x04, and the other way round."""
    kid, plain = key_id(ITSELF, 4, public(0x55)), plain_line(ORIGIN, ESCROW, TEXT)
    posing = line(ITSELF, kid + SECONDS.to_bytes(8, "big") + ESCROW.sign(TEXT.encode()))
    assert "does not hold" in not_opened(TEXT + "\n" + plain + posing)
    message = f"cosignature/v1\ntime {SECONDS}\n{TEXT}".encode()
    posing = line(ORIGIN, key_id(ORIGIN, 1, public(0x55)) + ESCROW.sign(message))
    assert "not signed by the log" in not_opened(TEXT + "\n" + posing + timed_line(ITSELF, ESCROW, TEXT, SECONDS))


def test_a_cosignature_holds_for_its_text_its_time_and_its_key_only() -> None:
    name = NoteKey("witness.example", public(0x11))
    own = cosign(TEXT, name, WITNESS.sign, at=NOW)
    data = own.data
    for wrong in (
        cosign(checkpoint_text(ORIGIN, 8, ROOT), name, WITNESS.sign, at=NOW).data,
        cosign(TEXT, name, OTHER.sign, at=NOW).data,
        (SECONDS + 1).to_bytes(8, "big") + data[8:],
        data[:-1],
        data + b"\0",
        data[8:],
        data[:8],
        b"\0",
    ):
        posing = line(name.name, name.id(TIMED) + wrong)
        with pytest.raises(CheckpointRefused):
            cosigned(read_note(SIGNED + posing), name)
    assert cosigned(read_note(SIGNED), name) is None
    assert cosigned(read_note(SIGNED + own.line()), NoteKey("other.example", public(0x11))) is None
    assert cosigned(read_note(SIGNED + own.line()), NoteKey(name.name, public(0x22))) is None


@pytest.mark.parametrize("seconds", [1 << 36, 1 << 63, (1 << 64) - 1])
def test_moments_that_no_calendar_has_are_refused(seconds: int) -> None:
    name = NoteKey("witness.example", public(0x11))
    with pytest.raises(CheckpointRefused):
        cosigned(read_note(SIGNED + timed_line(name.name, WITNESS, TEXT, seconds)), name)


def test_lines_of_unknown_keys_and_types_are_passed_over() -> None:
    others = [line("stranger.example", b"\0" * n) for n in (5, 72, 3000)]
    others += [line(ORIGIN, key_id(ORIGIN, 6, public(0x55)) + b"x" * 64), plain_line(ORIGIN, OTHER, TEXT)]
    note = read_note(TEXT + "\n" + others[3] + others[4] + SIGNED.removeprefix(TEXT + "\n") + others[1])
    assert open_checkpoint(note, ORIGIN, public(0x55))[0].size == 9
    assert note.of(NoteKey(ORIGIN, public(0x55)), PLAIN) == ESCROW.sign(TEXT.encode())


# ---- texts that are no notes, and notes that are no checkpoints


def test_what_is_no_note_is_refused() -> None:
    one = plain_line(ORIGIN, ESCROW, TEXT)
    for wrong in (
        *("", "\n", "\n\n", "\n\n\n", TEXT, TEXT + "\n", "\n" + one, "\n\n" + one, one),
        *(
            TEXT + one,
            TEXT[:-1] + "\n" + one,
            TEXT + "\n" + one[:-1],
            TEXT + "\n" + one + "\n",
            SIGNED + "x",
            SIGNED + " ",
        ),
        *(SIGNED.replace("\n", "\r\n"), SIGNED + "\r", TEXT + "\t\n" + one, SIGNED.replace("9", "\x00", 1)),
        *(TEXT + "\n" + one.replace("\u2014", "-"), TEXT + "\n" + one.replace("\u2014 ", "\u2014  ")),
        *(TEXT + "\n" + one[:-1] + " \n", TEXT + "\n " + one, TEXT + "\n" + one.replace(ORIGIN, "")),
        *(TEXT + "\n" + one.replace(ORIGIN, ORIGIN + "+"), TEXT + "\n" + one.replace(ORIGIN, "a\u00a0b")),
        *("\ud800" + SIGNED, SIGNED.replace("rooms", "\udfff"), "x" * 17_000 + SIGNED),
    ):
        refused(wrong)


def test_base64_that_is_not_canonical_or_too_short_is_refused() -> None:
    whole = base64.b64encode(key_id(ORIGIN, 1, public(0x55)) + ESCROW.sign(TEXT.encode())).decode()
    assert whole.endswith("=")
    for wrong in (
        *(
            whole[:-1],
            whole + "=",
            whole.replace("=", ""),
            whole[:8] + "\u00e9" + whole[9:],
            whole[:8] + "_" + whole[9:],
        ),
        *(whole[:-2] + chr(ord(whole[-2]) + 1) + "=", "", "AA==", "AAAAAA=="),
    ):
        refused(f"{TEXT}\n\u2014 {ORIGIN} {wrong}\n")
    assert "not signed" in not_opened(f"{TEXT}\n\u2014 {ORIGIN} {whole[:-4]}\n")


def test_a_note_has_at_most_16_384_characters() -> None:
    free = 16_384 - len(SIGNED) - len(line("stranger.example", b""))
    for more, accepted in ((free // 4 * 3, True), (free // 4 * 3 + 3, False)):
        note = SIGNED + line("stranger.example", bytes(more))
        assert (len(note) <= 16_384) is accepted
        if accepted:
            open_checkpoint(read_note(note), ORIGIN, public(0x55))
        else:
            refused(note)


def test_padding_bits_of_a_root_must_be_zero() -> None:
    root = base64.b64encode(ROOT).decode()
    assert root.endswith("8=")
    assert "canonical" in refused(SIGNED.replace(root, root[:-2] + "9="))


def test_sixteen_signatures_are_read_and_not_one_more() -> None:
    lines = [line(f"w{n}.example", bytes([n] * 68)) for n in range(MOST_SIGNATURES + 1)]
    assert len(read_note(TEXT + "\n" + "".join(lines[:-1])).signatures) == 16
    assert "too many" in refused(TEXT + "\n" + "".join(lines))


def test_two_signatures_of_one_key_are_refused() -> None:
    same = timed_line("w.example", WITNESS, TEXT, SECONDS), timed_line("w.example", WITNESS, TEXT, SECONDS + 1)
    assert "two of one key" in refused(SIGNED + "".join(same))
    read_note(SIGNED + same[0] + timed_line("v.example", WITNESS, TEXT, SECONDS))


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "extension\n",
        f"{ORIGIN}\n9\n",
        f"{ORIGIN}\n",
        TEXT.replace("\n9\n", "\n09\n"),
        *(
            TEXT.replace("\n9\n", f"\n{size}\n")
            for size in ("", "-9", "+9", "9 ", "0x9", "9.0", "\u0669", "00", "1" * 17)
        ),
        checkpoint_text(ORIGIN, 9, ROOT[:31]),
        checkpoint_text(ORIGIN, 9, ROOT + b"\0"),
        checkpoint_text(ORIGIN, 9, b""),
        TEXT.replace("AAEC", "AAE"),
        checkpoint_text("", 9, ROOT),
        checkpoint_text("two words", 9, ROOT),
        checkpoint_text("a+b", 9, ROOT),
        checkpoint_text("x" * 256, 9, ROOT),
        TEXT.replace("\n9\n", "\n\n9\n"),
        TEXT + "\n",
        "\n" + TEXT,
    ],
)
def test_notes_that_are_no_checkpoints_are_refused_even_when_they_are_signed(text: str) -> None:
    refused(text + "\n" + plain_line(ORIGIN, ESCROW, text) + timed_line(ITSELF, ESCROW, text, SECONDS))


@given(st.data())
def test_any_small_change_of_a_signed_checkpoint_is_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SIGNED)))
    end = data.draw(st.integers(start, min(len(SIGNED), start + 4)))
    changed = SIGNED[:start] + data.draw(st.text(max_size=4)) + SIGNED[end:]
    if changed == SIGNED:
        return
    with pytest.raises(CheckpointRefused):
        open_checkpoint(read_note(changed), ORIGIN, public(0x55))


@given(st.text())
def test_any_text_is_refused_and_nothing_else_comes_out(text: str) -> None:
    refused(text)
    refused(text + "\n\n" + text)
