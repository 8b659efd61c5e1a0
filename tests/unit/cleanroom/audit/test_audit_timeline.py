import typing
from dataclasses import replace

import pytest
from audits import ACME, ANN, AUDIT, BEN, GLOBEX, LOG, digest

from cleanroom.audit.timeline import Asked, timeline
from cleanroom.audit.words import ESCROW, Names, approval_words, words
from cleanroom.messages import entries


def found(**asked: str) -> list[int]:
    return [line.index for line in timeline(AUDIT, Asked(**asked))]


def test_nothing_asked_for_is_everything_in_order() -> None:
    assert found() == list(range(len(LOG)))


def test_every_type_of_entry_has_words_and_so_do_no_others() -> None:
    union = typing.get_args(typing.get_args(entries.AnyEntry)[0])
    assert set(words.registry) == {object, *union}
    with pytest.raises(NotImplementedError, match=r"^Entry$"):
        words(entries.Entry(type="x", at="2026-01-01T00:00:00Z"), Names(members={}, versions={}, segments=()))


@pytest.mark.parametrize(
    ("index", "who", "what"),
    [
        (3, "Globex", "signed version 1 of the terms; it is in force"),
        (5, "Acme", "put version 1 of its policy in force: widens; written by a1a1a1a1, approved by b2b2b2b2"),
        (
            6,
            "Globex",
            (
                "put version 1 of its policy in force: widens; written by c3c3c3c3, "
                "approved by nobody else, 24 hours after it was proposed"
            ),
        ),
        (
            8,
            "Globex",
            (
                "put its opening of round 1 of epoch 0 on record: 2 to 5 rows, cells customers x prospects; "
                "prospects x customers; under version 1 of its policy and version 1 of Acme's"
            ),
        ),
        (9, "escrow", "handed both openings of round 1 of epoch 0 over"),
        (12, "Acme", "had release 1 of epoch 0 handed over: Globex can read it"),
        (
            16,
            "Acme",
            "put version 2 of its policy in force: narrows; written by a1a1a1a1, no approval needed; a new epoch",
        ),
        (
            17,
            "Acme",
            (
                "put release 1 of epoch 1 to Globex on record: 2 to 5 matches, at most stage in full; amount reduced; "
                "under version 2 of its policy and version 1 of Globex's"
            ),
        ),
    ],
)
def test_an_entry_is_said_in_plain_words(index: int, who: str, what: str) -> None:
    line = timeline(AUDIT, Asked())[index]
    assert (line.index, line.who, line.what) == (index, who, what)


def test_a_policy_that_revokes_everything_says_so() -> None:
    entry = LOG[16]
    assert isinstance(entry, entries.PolicyActivated)
    revoked = entry.model_copy(update={"revokes": True})
    assert "in force: revokes every grant;" in words(revoked, Names(members={}, versions={}, segments=()))
    assert approval_words(revoked) == "no approval needed"


def test_a_segment_that_the_terms_lack_and_a_policy_that_is_not_known_are_said_by_number_and_digest() -> None:
    names = Names(members={}, versions={}, segments=("customers",))
    text = words(LOG[7], names)
    assert "customers x segment 2; segment 2 x customers" in text
    assert f"under {digest('acme 1')[:8]} of its policy and {digest('globex 1')[:8]} of {GLOBEX[:8]}'s" in text


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"partner": GLOBEX}, [1, 3, 6, 8, 11, 13]),
        ({"partner": ESCROW}, [9]),
        ({"person": BEN[:6]}, [5]),
        ({"person": ANN}, [4, 5, 16]),
        ({"policy": "2"}, [16, 17, 19]),
        ({"policy": digest("globex 1")[:14]}, [6, 7, 8, 10, 11, 14, 17, 19]),
        ({"policy": "9"}, []),
        ({"since": "2026-03-02T08:00:00Z"}, [16, 17, 18, 19]),
        ({"until": "2026-03-01T02:00:00Z"}, [0, 1]),
        ({"type": "release-handed-over/1"}, [12, 13, 15, 18]),
        ({"type": "opening"}, [7, 8, 9]),
        ({"partner": ACME, "type": "release-recorded", "policy": "1"}, [10, 14, 17, 19]),
        ({"partner": ACME, "type": "release-recorded", "until": "2026-03-02T04:00:00Z"}, [10, 14]),
        ({"account": "aa11aa"}, [10, 12, 14, 15]),
        ({"account": "bb22" * 8}, [17, 18]),
        ({"account": "ffffff"}, []),
        ({"field": "region"}, []),
    ],
)
def test_what_is_asked_for_is_found_and_must_all_hold(asked: dict[str, str], expected: list[int]) -> None:
    assert found(**asked) == expected


def test_an_account_has_the_fields_that_each_release_showed_of_it_in_their_forms() -> None:
    lines = {line.index: line.details for line in timeline(AUDIT, Asked(account="aa11aa"))}
    assert lines == {
        10: ("aa11aa11 x aa22aa22: stage in full; amount reduced | stage in full",),
        12: (),
        14: ("aa11aa11 x aa22aa22: stage in full",),
        15: (),
    }


def test_a_match_without_accounts_is_a_withdrawal() -> None:
    details = timeline(AUDIT, Asked(account="ab22ab"))[-2].details
    assert details == ("ab11ab11 x ab22ab22: withdrawn",)


def test_a_field_has_the_releases_that_may_show_it_with_numbers_and_the_policies_that_speak_of_it() -> None:
    lines = {line.index: line.details for line in timeline(AUDIT, Asked(field="amount"))}
    # Version 1 of Acme's policy speaks of amount by its class, version 2 not at all.
    assert list(lines) == [4, 5, 10, 11, 12, 13, 14, 15, 17, 18, 19]
    assert lines[10] == ("customers x prospects: reduced of 2 accounts",)
    assert lines[14] == ()
    assert found(field="stage", type="policy-activated") == [5, 16]


def test_a_class_is_not_followed_without_the_terms_catalogue() -> None:
    bare = replace(AUDIT, catalogue=())
    assert [line.index for line in timeline(bare, Asked(field="amount", type="policy"))] == []
