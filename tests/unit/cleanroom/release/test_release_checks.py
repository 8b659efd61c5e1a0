"""Each way in which a sender, or the escrow, may lie about a release is refused by itself, without the value."""

from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from release_ground import ANA, BO, KEY, NOW, SALT, document, expected, match, payload, released, sides

from cleanroom.agent.own_accounts import OwnAccount, accounts_of
from cleanroom.agent.release_checks import checked, unsealed
from cleanroom.agent.release_content import Rules, content_of
from cleanroom.agent.release_sealing import MOST_TEXT, payloads, sealed_batch
from cleanroom.domain.vocabulary import Form, Tier
from cleanroom.messages.notices import MOST_STEPS, NoticeRefused, Wish, Words, pad_words, unpad_words
from cleanroom.messages.releases import (
    BATCH_MATCHES,
    SEALED_OVERHEAD,
    STEP,
    Payload,
    Release,
    ReleaseRefused,
    canonical,
    is_sealed_size,
    pad,
    unpad,
)
from cleanroom.messages.sealing import SealingKey
from matching.cases import Judge
from matching.rule import CERTAIN, LIKELY

CANARY = "kanarienvogel"
OPEN = sides(stage=Form.FULL, amount=Form.REDUCED, notes=Form.FULL)


@pytest.fixture(scope="module")
def bo_key() -> SealingKey:
    return SealingKey.generate()


def refused(*matches: dict[str, Any], shown: Any = OPEN, numbers: tuple[int, ...] = (1, 2)) -> str:  # noqa: ANN401 - any value
    with pytest.raises(ReleaseRefused) as refusal:
        checked([payload(*matches)], expected(shown, *numbers))
    assert CANARY not in str(refusal.value)
    return str(refusal.value)


# ---- what is inside


def test_what_both_policies_allow_is_taken() -> None:
    given_match = released(1, {"stage": ("full", "won"), "amount": ("reduced", "50,000-250,000")}, {})
    found = checked([payload(given_match, released(2))], expected(OPEN, 1, 2))
    assert [item.match for item in found] == [match(1), match(2)]
    assert found[0].accounts[0].fields["amount"].value == "50,000-250,000"
    assert found[1].accounts == ()


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"owner": ("full", CANARY)}, "above the one"),
        ({"owner": ("reduced", "A. E.")}, "above the one"),
        ({"amount": ("full", "60000.00")}, "above the one"),
        ({"stage": ("exists", CANARY)}, "above the one"),
        ({"stage": ("hidden", CANARY)}, "above the one"),
        ({"secret": ("full", CANARY)}, "catalogue"),
        ({"match_evidence": ("full", CANARY)}, "above the one"),
        ({"account": ("exists", CANARY)}, "catalogue"),
        ({"amount": ("reduced", CANARY)}, "not banded"),
        ({"amount": ("reduced", "EUR 50,000-250,000")}, "not banded"),
        ({"stage": ("full", CANARY + "\x1b[31m")}, "control characters"),
        ({"stage": ("full", CANARY + "\n")}, "control characters"),
        ({"notes": ("full", CANARY + "\u202e")}, "control characters"),
        ({"stage": ("full", "")}, "empty"),
    ],
)
def test_each_bad_field_refuses_the_whole_release(fields: dict[str, tuple[str, str]], rule: str) -> None:
    good = released(1, {"stage": ("full", "won")})
    assert rule in refused(good, released(2, {"stage": ("full", "won")}, fields))


def test_a_reduced_form_where_full_is_allowed_is_taken() -> None:
    shown = sides(owner=Form.FULL)
    checked([payload(released(1, {"owner": ("reduced", "A. E.")}))], expected(shown, 1))


def test_the_recipients_own_limits_count() -> None:
    shown = sides({"account": Form.EXISTS, "stage": Form.HIDDEN}, stage=Form.FULL)
    assert "above the one" in refused(released(1, {"stage": ("full", "won")}), shown=shown)


def test_matches_that_were_not_verified_are_refused() -> None:
    assert "not one that was verified" in refused(released(3, {}))
    swapped = released(1, {}, recipient=released(2)["recipient"])
    assert "not one that was verified" in refused(swapped)
    turned = released(1, {}, sender=released(1)["recipient"], recipient=released(1)["sender"])
    assert "not one that was verified" in refused(turned)


def test_a_match_comes_once() -> None:
    assert "repeated" in refused(released(1, {}), released(1, {}))
    with pytest.raises(ReleaseRefused, match="repeated"):
        checked([payload(released(1, {})), payload(released(1))], expected(OPEN, 1))


def test_a_cell_that_is_not_agreed_shows_no_account() -> None:
    shown = sides({"account": Form.COUNT})
    assert "not agreed" in refused(released(1, {}), shown=shown)
    checked([payload(released(1))], expected(shown, 1))


def test_one_key_for_hashed_fields() -> None:
    with pytest.raises(ReleaseRefused, match="more than one key"):
        checked([payload(released(1)), payload(released(2), key="22" * 32)], expected(OPEN, 1, 2))


def test_more_accounts_than_anybody_has_are_no_payload() -> None:
    with pytest.raises(ValidationError):
        payload(released(1, *[{}] * 101))
    with pytest.raises(ValidationError):
        payload(*[released(1)] * (BATCH_MATCHES + 1))


# ---- sealing


def sealed_release(bo_key: SealingKey, *batches: Payload, **changes: Any) -> tuple[Release, list[bytes]]:  # noqa: ANN401 - any value
    empty = document(**changes)
    made = [sealed_batch(empty, index, item, bo_key.public_bytes()) for index, item in enumerate(batches)]
    full = empty.model_copy(update={"batches": tuple(item.described for item in made)})
    return full, [item.sealed for item in made]


def test_a_batch_opens_in_its_place(bo_key: SealingKey) -> None:
    given_payload = payload(released(1, {"stage": ("full", "won")}))
    release, (sealed,) = sealed_release(bo_key, given_payload)
    assert unsealed(release, 0, sealed, bo_key) == given_payload


@pytest.mark.parametrize(
    "changes",
    [
        {"room": "0" * 32},
        {"epoch": 1},
        {"number": 2, "previous": "1" * 64},
        {"sender": BO, "recipient": ANA},
        {"sender_policy": "0" * 64},
        {"recipient_policy": "0" * 64},
    ],
)
def test_a_batch_of_another_room_epoch_number_direction_or_policy_does_not_open(
    bo_key: SealingKey, changes: dict[str, Any]
) -> None:
    release, (sealed,) = sealed_release(bo_key, payload(released(1)))
    elsewhere = Release.model_validate({**dict(release), **changes})
    with pytest.raises(ReleaseRefused, match="for this place"):
        unsealed(elsewhere, 0, sealed, bo_key)


def test_swapped_batches_do_not_open(bo_key: SealingKey) -> None:
    release, sealed = sealed_release(bo_key, payload(released(1)), payload(released(2)))
    swapped = release.model_copy(update={"batches": release.batches[::-1]})
    for index in (0, 1):
        with pytest.raises(ReleaseRefused, match="not the bytes"):
            unsealed(release, index, sealed[1 - index], bo_key)
        with pytest.raises(ReleaseRefused, match="for this place"):
            unsealed(swapped, index, sealed[1 - index], bo_key)


def test_altered_bytes_and_other_recipients_are_refused(bo_key: SealingKey) -> None:
    release, (sealed,) = sealed_release(bo_key, payload(released(1)))
    for altered in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:-1], sealed + b"\x00", b""):
        with pytest.raises(ReleaseRefused, match="not the bytes"):
            unsealed(release, 0, altered, bo_key)
    with pytest.raises(ReleaseRefused, match="not sealed to this partner"):
        unsealed(release, 0, sealed, SealingKey.generate())


def test_a_sender_that_signs_other_handles_is_refused(bo_key: SealingKey) -> None:
    release, _ = sealed_release(bo_key, payload(released(1)))
    told = payload(released(2))
    lie = sealed_batch(release, 0, told, bo_key.public_bytes())
    described = lie.described.model_copy(update={"handles": payload(released(1)).handles()})
    lying = release.model_copy(update={"batches": (described,)})
    with pytest.raises(ReleaseRefused, match="for this place"):
        unsealed(lying, 0, lie.sealed, bo_key)


# ---- padding


def test_sizes_hide_the_lengths_of_values(bo_key: SealingKey) -> None:
    sizes = {
        len(sealed_release(bo_key, payload(released(1, {"notes": ("full", "x" * length)})))[1][0])
        for length in (1, 10, 1_000, 9_999)
    }
    assert sizes == {SEALED_OVERHEAD + STEP}
    assert all(is_sealed_size(size) for size in sizes)


@given(st.integers(0, 9_000))
def test_padding_is_taken_off_again(length: int) -> None:
    given_payload = payload(released(1, {"notes": ("full", "x" * (length + 1))}))
    padded = pad(given_payload)
    assert len(padded) % STEP == 0
    assert unpad(padded) == given_payload


def test_other_padding_and_other_texts_are_refused() -> None:
    padded = pad(payload(released(1)))
    text = rfc8785.dumps(payload(released(1)).model_dump(mode="json"))

    def framed(other: bytes) -> bytes:
        frame = len(other).to_bytes(4, "big") + other
        return frame + bytes(-len(frame) % STEP)

    assert unpad(framed(text)) == payload(released(1))
    wrong = [
        padded[:-1] + b"\x01",
        padded + bytes(STEP),
        padded[:-1],
        b"",
        (2**31).to_bytes(4, "big") + padded[4:],
        framed(b"{}"),
        framed(b" " + text),
        framed(text.replace(b'"hash_key"', b'"hash_key":"' + KEY.encode() + b'","hash_key"')),
        framed(b"[" * 1000),
        framed(b"\xff"),
    ]
    for data in wrong:
        with pytest.raises(ReleaseRefused) as refusal:
            unpad(data)
        assert refusal.value.__cause__ is None


@given(st.text(max_size=50).filter(lambda text: text.encode(errors="ignore").decode() == text))
def test_payloads_are_written_as_rfc_8785_says(value: str) -> None:
    item = payload(released(1, {"stage": ("full", value), "notes": ("full", value[::-1])}))
    assert canonical(item) == rfc8785.dumps(item.model_dump(mode="json"))


def test_words_are_padded_bounded_and_canonical() -> None:
    words = Words(text="Please show the stage", wishes=(Wish(field="stage", form=Form.FULL, segments=None),))
    assert unpad_words(pad_words(words)) == words
    assert len({len(pad_words(Words(text="x" * length))) for length in (0, 1, 1_500)}) == 1
    padded = pad_words(words)
    for wrong in (padded[:-1] + b"\x01", padded[:-1], b"", padded + bytes(2048)):
        with pytest.raises(NoticeRefused):
            unpad_words(wrong)
    wishes = tuple(Wish(field="x" * 40, form=Form.FULL, segments=("s" * 40, "t" * 40)) for _ in range(200))
    with pytest.raises(Exception, match="more words"):
        pad_words(Words(text="\x00" * 4_000, wishes=wishes))
    assert len(pad_words(Words(text="\U0001f600" * 4_000))) <= MOST_STEPS * 2048


# ---- what the sender makes


def account(name: str, /, **columns: str) -> OwnAccount:
    return OwnAccount(id=name, columns={"account_id": name, **columns})


def made(accounts: list[OwnAccount], shown: Any = OPEN) -> Any:  # noqa: ANN401 - content
    return content_of(match(1, of=ANA), accounts, Rules(sides=shown, at=NOW, hash_key=bytes(32)))


def test_what_the_sender_makes_the_recipient_takes() -> None:
    shown = sides(**dict.fromkeys(("account_name", "account_country", "notes", "amount", "owner_email"), Form.FULL))
    columns = {"name": "=Acme\x07", "country": "Germany", "notes": "a\x00\nb", "amount": "1e5", "owner_email": "A@B"}
    content = made([account("1", **columns)], shown)
    assert {name: item.value for name, item in content.released.accounts[0].fields.items()} == {
        "account_name": "=Acme",
        "notes": "a\nb",
    }
    checked([Payload(hash_key=KEY, matches=(content.released,), salt=SALT)], expected(shown, 1))


def test_nothing_is_sent_that_is_hidden_or_empty() -> None:
    content = made([account("1", stage="", amount="60000.00", currency="EUR", owner="Ann")])
    shown = content.released.accounts[0].fields
    assert {name: (item.form, item.value) for name, item in shown.items()} == {
        "amount": (Form.REDUCED, "50,000-250,000")
    }


def test_a_cell_that_is_not_agreed_is_withdrawn() -> None:
    content = made([account("1", stage="won")], sides({"account": Form.COUNT}, stage=Form.FULL))
    assert content.accounts == ()
    assert content.released.accounts == ()


def test_only_accounts_that_are_a_match_by_their_own_keys_are_released() -> None:
    """Kinds: lei, domain, name. Proven are the domain and one name."""
    judge = Judge(kinds=("lei", "domain", "name"), least=LIKELY)
    domain, name = (1, "company1.com"), (2, "companyone")
    proven = replace(match(1, of=ANA), kinds=frozenset({1, 2}), their_kinds=frozenset({0, 1, 2}), keys={domain, name})

    def holding(name: str, *keys: tuple[int, str]) -> OwnAccount:
        return OwnAccount(id=name, columns={}, keys=frozenset(keys))

    whole, site_only, stranger = holding("b", domain, name), holding("c", domain), holding("z", (1, "other.com"))
    renamed = holding("d", domain, (2, "companytwo"))
    other_entity = holding("e", domain, name, (0, "an LEI of its own"))
    everybody = (whole, site_only, stranger, renamed, other_entity)
    holders = {key: tuple(account for account in everybody if key in account.keys) for key in (domain, name)}
    assert [item.id for item in accounts_of(proven, holders, judge)] == ["b", "c", "d"]
    assert {item.id: item.tier(proven, judge) for item in everybody} == {
        "b": Tier.CERTAIN,
        "c": Tier.CERTAIN,
        "d": Tier.LIKELY,
        "z": None,
        "e": None,
    }
    certain_only = Judge(kinds=judge.kinds, least=CERTAIN)
    assert [item.id for item in accounts_of(proven, holders, certain_only)] == ["b", "c"]
    # The entry has a sibling with another LEI: then no account of it is certain.
    assert whole.tier(replace(proven, tier=Tier.LIKELY), judge) is Tier.LIKELY


def test_evidence_is_never_sent() -> None:
    content = made([account("1", match_evidence="domain")], sides(match_evidence=Form.FULL))
    assert content.released.accounts[0].fields == {}


def test_contents_tell_changes_and_policies_apart() -> None:
    one, same, other = (made([account("1", stage=stage)]) for stage in ("won", "won", "lost"))
    assert one.digest(b"p") == same.digest(b"p")
    assert len({one.digest(b"p"), other.digest(b"p"), one.digest(b"q")}) == 3


def test_batches_hold_so_many_matches_and_not_more_text_than_fits() -> None:
    small = [made([account("1", stage="won")])] * (BATCH_MATCHES + 1)
    assert [len(item.matches) for item in payloads(bytes(32), small)] == [BATCH_MATCHES, 1]
    large = [made([account(str(n), notes="\u0416" * 10_000) for n in range(10)])] * 12
    parts = list(payloads(bytes(32), large))
    assert sum(len(item.matches) for item in parts) == 12
    assert len(parts) > 1
    assert all(is_sealed_size(len(pad(item)) + SEALED_OVERHEAD) for item in parts)
    endless = made([account(str(n), notes="\u0416" * 10_000) for n in range(100)])
    assert 0 < len(endless.accounts) < 100
    assert len(endless.text) <= MOST_TEXT
