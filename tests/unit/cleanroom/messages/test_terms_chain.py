"""Versions of a room's terms: each follows the one before, keeps who and where, and only members sign."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from golden import TEXTS, load
from policymakers import Named, envelope

from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.identity import partner_id_of
from cleanroom.messages.rooms import Member, Terms
from cleanroom.messages.signing import Signature, SignedDocument
from cleanroom.messages.terms_chain import amended_epochs, begins_epoch, of_this_epoch, open_any_terms, open_terms

ONE, TWO, EVE = (
    Named(partner_id_of(key.public_key().public_bytes_raw()), key)
    for key in (Ed25519PrivateKey.generate() for _ in range(3))
)


def member(signer: Named, like: Member) -> Member:
    key = signer.private.public_key().public_bytes_raw().hex()
    return like.model_copy(update={"partner": signer.name, "identity_key": key})


GOLDEN = read_document(Terms, TEXTS["terms/4"])
FIRST = GOLDEN.model_copy(
    update={
        "members": (member(ONE, GOLDEN.members[0]), member(TWO, GOLDEN.members[1])),
        "version": 1,
        "previous": "",
    }
)


def second(**changes: Any) -> Terms:  # noqa: ANN401 - any member
    return FIRST.model_copy(update={"version": 2, "previous": FIRST.digest(), **changes})


def test_a_version_follows_whoever_of_its_members_has_signed() -> None:
    assert open_terms(envelope(FIRST, ONE, TWO), before=None) == FIRST
    assert open_terms(envelope(second(), TWO), before=FIRST) == second()


def test_an_audit_reads_the_terms_of_earlier_releases_and_nobody_else_does() -> None:
    (case,) = (case for case in load("documents.json")["retired"] if case["type"] == "terms/2")
    signatures = tuple(Signature(signer=item["signer"], signature=item["signature"]) for item in case["signatures"])
    signed = SignedDocument(document=case["text"], signatures=signatures)
    with pytest.raises(DocumentRefused, match="Terms: not valid"):
        open_terms(signed, before=None)
    # A second version: it needs the one before, which is not among the golden texts.
    with pytest.raises(DocumentRefused, match="does not follow"):
        open_any_terms(signed, before=None)
    assert open_any_terms(envelope(FIRST, ONE), before=None) == FIRST


def test_a_title_does_not_make_other_terms() -> None:
    titled = FIRST.model_copy(update={"title": '"type":"terms/2"'})
    assert open_any_terms(envelope(titled, ONE, TWO), before=None) == titled


def test_somebody_who_is_no_member_signs_no_terms() -> None:
    with pytest.raises(DocumentRefused, match="version 1 is signed by somebody who is no member"):
        open_terms(envelope(FIRST, ONE, EVE), before=None)


def test_a_signature_of_another_key_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="does not hold"):
        open_terms(envelope(FIRST, Named(ONE.name, EVE.private)), before=None)


@pytest.mark.parametrize("changes", [{"version": 3}, {"previous": "00" * 32}])
def test_terms_that_do_not_follow_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DocumentRefused, match="does not follow from the one before"):
        open_terms(envelope(second(**changes), ONE), before=FIRST)


def test_a_later_version_without_one_before_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="version 2 does not follow"):
        open_terms(envelope(second(), ONE), before=None)


@pytest.mark.parametrize("name", ["room", "escrow_key", "members"])
def test_what_must_stay_the_same_is_kept(name: str) -> None:
    other = {"room": "6b" * 16, "escrow_key": "ab" * 32, "members": (FIRST.members[0], member(EVE, FIRST.members[1]))}
    with pytest.raises(DocumentRefused, match="another room, escrow key or members"):
        open_terms(envelope(second(**{name: other[name]}), ONE), before=FIRST)


NEWER = {"kinds": tuple(item.model_copy(update={"tables": "2031-01"}) for item in FIRST.kinds)}
BEGIN = [NEWER, {"kinds": FIRST.kinds[:1]}, {"rule": "rule/9"}, {"tiers": FIRST.tiers[:1]}]
BEGIN += [{"segments": ("customers",)}, {"minimum_population": 77}, {"host": FIRST.members[0].partner}]
KEEP = [{"expires": "2031-01-01T00:00:00Z"}, {"title": "another"}, {"purpose": "another"}, {"quota": 77}, {}]


@pytest.mark.parametrize("changes", BEGIN)
def test_what_changes_how_lists_are_made_or_compared_begins_an_epoch(changes: dict[str, Any]) -> None:
    assert begins_epoch(FIRST, second(**changes))


@pytest.mark.parametrize("changes", KEEP)
def test_what_is_agreed_for_longer_begins_none(changes: dict[str, Any]) -> None:
    assert not begins_epoch(FIRST, second(**changes))


def test_epochs_that_terms_have_begun_are_counted_over_all_that_were_in_force() -> None:
    renewed = second(expires="2031-01-01T00:00:00Z")
    upgraded, once_more = (renewed.model_copy(update=changes) for changes in (NEWER, NEWER | {"quota": 77}))
    chain = [FIRST, renewed, upgraded, once_more, FIRST]
    assert [amended_epochs(chain[:size]) for size in range(6)] == [0, 0, 0, 1, 1, 2]
    assert [list(of_this_epoch(chain[:size])) for size in (0, 2, 4, 5)] == [[], chain[:2], chain[2:4], chain[4:]]
