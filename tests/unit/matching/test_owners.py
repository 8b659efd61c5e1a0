from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import pytest
from colliding_accounts import KINDS, Account, Key, company, holding, lists, merged, readable
from hypothesis import given, settings

from matching import owners
from matching.entries import NO_SEGMENT
from matching.owners import MOST_ACCOUNTS
from matching.rule import EXCLUSIVE, IDENTIFIERS


def entries_of(*accounts: Account) -> set[str]:
    """The accounts of each entry, in one word."""
    return {"".join(sorted(entry[1])) for entry in readable(merged(accounts), accounts).values()}


def keys_of(*accounts: Account) -> dict[str, set[str]]:
    """Anchor -> "kind:key" of its entry."""
    found = readable(merged(accounts), accounts)
    return {anchor: {f"{kind}:{key}" for kind, key in entry[2]} for anchor, entry in found.items()}


# ---- 1. too many accounts


@pytest.mark.parametrize(("holders", "dropped"), [(MOST_ACCOUNTS, 0), (MOST_ACCOUNTS + 1, 1)])
def test_a_key_on_more_than_fifty_accounts_is_no_key(holders: int, dropped: int) -> None:
    found = merged([holding(f"{number:02}", "lei:1", f"domain:{number}.com") for number in range(holders)])
    assert found.dropped["too_many_accounts"] == dropped
    assert len(found.anchor) == (holders if dropped else 1)


def test_a_first_word_of_too_many_accounts_is_not_counted_as_a_key_that_was_dropped() -> None:
    many = [holding(f"{number:02}", "first_word:ab", f"name_outline:^ab {number}") for number in range(51)]
    assert merged(many).dropped["too_many_accounts"] == 0
    assert merged(many).rows.empty
    assert len(merged(many[:1]).rows) == 1


# ---- 2. one entry


@pytest.mark.parametrize("kind", sorted(IDENTIFIERS & set(KINDS)))
def test_accounts_that_share_an_identifier_are_one(kind: str) -> None:
    assert entries_of(company("a", "ab", "", "", f"{kind}:1"), company("b", "ef", "", "", f"{kind}:1")) == {"ab"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (company("a", "acme labs", "zz.com"), company("b", "acme labs", "zz.com")),  # name and website
        (company("a", "acme", "acme.com"), company("b", "acme", "acme.de")),  # name and the name websites spell
        (company("a", "acme", "acme.com", "US"), company("b", "acme", "acme.de", "DE")),  # the country keeps none apart
        (company("a", "acme", "acme.com"), company("b", "acme")),  # no website: as one that spells the name
        (company("a", "acme"), company("b", "acme")),
        (company("a", "acme", "zz.com"), company("b", "acme")),  # all with a website are one entry
    ],
)
def test_accounts_are_one(one: Account, other: Account) -> None:
    assert entries_of(one, other) == {"ab"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (company("a", "acme", "zz.com"), company("b", "acme", "yy.com")),  # a name only
        (company("a", "acme labs", "zz.com"), company("b", "acme works", "zz.com")),  # a website only
        (company("a", "ab cd", "x.com"), company("b", "ab ce", "x.de")),  # the name that websites spell only
        (company("a", "ab", "", "", "ticker:US:A"), company("b", "ef", "", "", "ticker:US:A")),  # a ticker
    ],
)
def test_accounts_are_two(one: Account, other: Account) -> None:
    assert entries_of(one, other) == {"a", "b"}


def test_an_account_without_a_website_is_in_no_entry_of_its_name_if_there_are_two() -> None:
    two = company("a", "acme", "zz.com"), company("b", "acme", "yy.com")
    assert entries_of(*two, company("c", "acme", "", "DE")) == {"a", "b", "c"}


def test_websites_of_one_entry_are_one_whatever_joined_them() -> None:
    one, other = company("a", "acme", "zz.com", "", "lei:1"), company("b", "acme", "yy.com", "", "lei:1")
    assert entries_of(one, other, company("c", "acme")) == {"abc"}


# ---- 3. identifiers that differ


def test_an_identifier_whose_holders_differ_in_another_kind_is_dropped() -> None:
    found = merged([holding("a", "lei:1", "duns:1"), holding("b", "lei:1", "duns:2")])
    assert sorted(found.rows["key"]) == ["1", "2"]
    assert found.dropped["own_identifiers_differ"] == 1


def test_holders_with_two_numbers_of_a_kind_say_nothing_about_an_identifier() -> None:
    found = merged([holding("a", "lei:1", "duns:1", "duns:2"), holding("b", "lei:1", "duns:3")])
    assert found.dropped["own_identifiers_differ"] == 0


def test_several_securities_do_not_dispute_an_identifier() -> None:
    assert entries_of(holding("a", "lei:1", "isin:1"), holding("b", "lei:1", "isin:2")) == {"ab"}


def test_accounts_that_differ_stay_apart_and_their_shared_website_is_nobodys() -> None:
    one = company("a", "ab cd", "zz.com", "", "lei:1")
    other, third = company("b", "ab cd", "zz.com", "", "lei:2"), company("c", "x", "", "", "lei:1")
    found = keys_of(one, other, third)
    assert found["a"] == {"lei:1", "site_name:x", "name:x", "name_outline:^x "}
    assert found["b"] == {"lei:2"}


def test_a_chain_between_two_numbers_falls_apart_to_shared_identifiers() -> None:
    accounts = (
        company("a", "ab", "ab.com", "", "lei:1", "duns:1"),
        company("b", "ab", "ab.com"),
        company("c", "ab", "ab.com", "", "lei:2"),
        holding("d", "duns:1"),
    )
    assert {"ad", "c"} <= entries_of(*accounts)
    assert not any("b" in entry and len(entry) > 1 for entry in entries_of(*accounts))


def test_where_shared_identifiers_still_differ_nothing_joins() -> None:
    accounts = (
        holding("a", "lei:1", "isin:1"),
        holding("b", "isin:1", "isin:2"),
        holding("c", "isin:2", "lei:2"),
    )
    assert entries_of(*accounts) == {"a", "c"}  # b's two are nobody's


# ---- 4. whose a key is


def test_a_key_of_two_entries_is_the_ones_whose_website_spells_its_name() -> None:
    bears, other = company("a", "acme", "acme.com", "US"), company("b", "acme", "zz.com", "US")
    found = keys_of(bears, other)
    assert {"name:acme", "name_country:acme|US"} <= found["a"]
    assert found["b"] == {"domain:zz.com", "site_name:zz"}
    assert merged([bears, other]).dropped["namesakes"] == 0


def test_a_key_of_two_entries_that_neither_spells_is_the_ones_whose_website_is_its_first_word() -> None:
    first, other = company("a", "acme labs", "acme.com", "US"), company("b", "acme labs", "zz.com", "US")
    assert {"name:acmelabs", "name_country:acmelabs|US", "name_outline:acme lab"} <= keys_of(first, other)["a"]
    whole = company("c", "acme labs", "acmelabs.de", "DE")
    assert "name:acmelabs" in keys_of(first, other, whole)["c"]
    again = company("d", "acme labs", "acme.de", "DE", "lei:1")
    assert "name:acmelabs" not in keys_of(company("a", "acme labs", "acme.com", "US", "lei:2"), again)["a"]


def test_a_key_of_two_entries_that_both_or_neither_spell_is_nobodys() -> None:
    neither = company("a", "acme", "yy.com"), company("b", "acme", "zz.com")
    both = company("a", "acme", "acme.com", "", "lei:1"), company("b", "acme", "acme.de", "", "lei:2")
    for accounts in (neither, both):
        assert not any("name:acme" in keys for keys in keys_of(*accounts).values())
    assert merged(neither).dropped["namesakes"] == 2  # the name and its outline
    assert merged(both).dropped["namesakes"] == 3  # and the site name


@pytest.mark.parametrize("key", ["isin:1", "ticker:US:A"])
def test_an_identifier_of_two_entries_is_nobodys_even_if_one_spells_its_name(key: str) -> None:
    one, other = company("a", "acme", "acme.com", "", "lei:1", key), company("b", "zz", "", "", "lei:2", key)
    found = keys_of(one, other)
    assert key not in found["a"] | found["b"]


def test_an_account_without_a_website_spells_nothing() -> None:
    one, other = company("a", "acme", "", "", "lei:1"), company("b", "acme", "zz.com", "", "lei:2")
    assert "name:acme" not in keys_of(one, other)["a"]


# ---- 5. rare outlines


def test_an_outline_of_a_rare_first_word_counts() -> None:
    assert "name_outline:^acme l" in keys_of(company("a", "acme labs", "zz.com"), company("b", "other"))["a"]


def test_an_outline_of_a_first_word_that_another_entry_has_does_not() -> None:
    found = keys_of(company("a", "acme labs", "zz.com"), company("b", "acme works", "yy.com"))
    assert "name_outline:acme lab" in found["a"]
    assert "name_outline:^acme l" not in found["a"]


def test_a_first_word_of_several_accounts_of_one_entry_is_rare() -> None:
    one, other = company("a", "acme labs", "zz.com", "", "lei:1"), company("b", "acme works", "yy.com", "", "lei:1")
    assert {"name_outline:^acme l", "name_outline:^acme w"} <= keys_of(one, other)["a"]


def test_an_outline_without_its_first_word_does_not_count() -> None:
    assert keys_of(holding("a", "name_outline:^acme l", "lei:1")) == {"a": {"lei:1"}}


def test_first_words_stay_in_the_agent() -> None:
    assert not any(key.startswith("first_word") for keys in keys_of(company("a", "acme")).values() for key in keys)


# ---- all of it, word by word, without arrays

Parts = dict[str, frozenset[str]]
"""Account -> all accounts of its part."""


class ByTheRule:
    """The docstring of `owners`, over sets."""

    def __init__(self, accounts: Sequence[Account], most: int) -> None:
        self.ids = [account.id for account in accounts]
        self.own = {account.id: account.keys for account in accounts}
        self.holders = defaultdict[Key, set[str]](set)
        for account in accounts:
            for key in account.keys:
                self.holders[key].add(account.id)
        self.alive = {key for key, ids in self.holders.items() if len(ids) <= most}
        self.alive -= {key for key in self.alive if key[0] in IDENTIFIERS and self.is_disputed(key)}
        self.part_of = self.parts()

    def has(self, account: str, kind: str) -> set[Key]:
        return {key for key in self.own[account] & self.alive if key[0] == kind}

    def is_disputed(self, key: Key) -> bool:
        for kind in EXCLUSIVE - {key[0]}:
            numbers = [self.has(account, kind) for account in self.holders[key]]
            if len({number for found in numbers if len(found) == 1 for number in found}) > 1:
                return True
        return False

    def joined(self, together: Callable[[str, str], bool], among: Iterable[str]) -> Parts:
        found = {account: frozenset({account}) for account in among}
        for one, other in combinations(found, 2):
            if found[one] is not found[other] and together(one, other):
                part = found[one] | found[other]
                found |= dict.fromkeys(part, part)
        return found

    def share_identifier(self, one: str, other: str) -> bool:
        return any(key[0] in IDENTIFIERS for key in self.own[one] & self.own[other] & self.alive)

    def share_name_and_site(self, one: str, other: str) -> bool:
        return bool(self.has(one, "name") & self.has(other, "name")) and any(
            self.has(one, kind) & self.has(other, kind) for kind in ("domain", "site_name")
        )

    def parts(self) -> Parts:
        def sure(one: str, other: str) -> bool:
            return self.share_identifier(one, other) or self.share_name_and_site(one, other)

        first = self.joined(sure, self.ids)

        def together(one: str, other: str) -> bool:
            if sure(one, other):
                return True
            for name in self.has(one, "name") & self.has(other, "name"):
                sited = {first[account] for account in self.holders[name] if self.has(account, "domain")}
                if len(sited) == 1:
                    return True
            return False

        found = self.joined(together, self.ids)
        for weaker in (self.share_identifier, lambda *_: False):
            differ = [account for account in self.ids if self.differs(found[account])]
            found |= self.joined(weaker, differ)
        return found

    def differs(self, part: frozenset[str]) -> bool:
        return any(len({key for account in part for key in self.has(account, kind)}) > 1 for kind in EXCLUSIVE)

    def spells(self, account: str, what: str) -> bool:
        words = {key for kind, key in self.own[account] if kind == what}
        spelt = {key for _, key in self.has(account, "site_name")}
        return bool(self.has(account, "domain")) and bool(words & spelt)

    def owner(self, key: Key) -> frozenset[str] | None:
        holders = self.holders[key]
        candidates = [{self.part_of[account] for account in holders}]
        if len(candidates[0]) > 1:
            loose = key[0] not in IDENTIFIERS | {"ticker"}
            candidates = [
                {self.part_of[account] for account in holders if loose and self.spells(account, what)}
                for what in ("name", "first_word")
            ]
        found = next(filter(None, candidates), set[frozenset[str]]())
        return next(iter(found)) if len(found) == 1 else None

    def is_rare(self, account: str) -> bool:
        words = {key for key in self.own[account] if key[0] == "first_word"}
        return bool(words) and all(
            word in self.alive and len({self.part_of[other] for other in self.holders[word]}) == 1 for word in words
        )

    def keys(self, part: frozenset[str]) -> frozenset[Key]:
        found = set[Key]()
        for account in part:
            for kind, key in self.own[account] & self.alive:
                needs_rarity = kind == "name_outline" and key.startswith("^")
                if kind == "first_word" or self.owner((kind, key)) != part:
                    continue
                if not needs_rarity or self.is_rare(account):
                    found.add((kind, key))
        return frozenset(found)


def capped(keys: frozenset[Key]) -> frozenset[Key]:
    kept = set[Key]()
    for kind in KINDS:
        of_kind = sorted(key for key in keys if key[0] == kind)
        if kind != "name_country" or len(of_kind) <= 4:
            kept.update(of_kind[: 1 if kind in EXCLUSIVE else 4])
    return frozenset(kept)


@settings(max_examples=40)
@given(lists())
def test_owned_is_the_rule(accounts: list[Account]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owners, "MOST_ACCOUNTS", 6)
        found = readable(merged(accounts), accounts)
    rule, segment = ByTheRule(accounts, 6), {account.id: account.segment for account in accounts}
    expected = {
        min(part): (min(segment[account] for account in part), part, kept)
        for part in set(rule.part_of.values())
        if (kept := capped(rule.keys(part)))
    }
    counted = {anchor: entry for anchor, entry in expected.items() if entry[0] != NO_SEGMENT}
    assert {anchor: entry[:3] for anchor, entry in found.items()} == counted
