"""What `cleanroom lint` can find: its rules, what each means for matching, and what to do about it in the CRM.

The names are stable: scripts ask for them (`docs/commands.md` lists them).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that hurts. `weight`: how much of an account's chance of a match it takes, in per cent, roughly."""

    name: str
    weight: int
    means: str
    do: str


_ALL: Final = (
    Rule(
        name="row_left_out",
        weight=100,
        means="row not read: it is in no room",
        do="one id for each row, and a name, website or number",
    ),
    Rule(
        name="no_key",
        weight=100,
        means="no partner can find the account",
        do="add its website, or its full name and country",
    ),
    Rule(
        name="no_segment",
        weight=100,
        means="in no segment, so it never counts",
        do="give it a segment, or map its value with --segment-map",
    ),
    Rule(
        name="domain_too_often",
        weight=60,
        means="its domain is on so many accounts that it is no key",
        do="give each company its own website; a platform's address is none",
    ),
    Rule(
        name="shared_host",
        weight=50,
        means="its website is a page on a host that many companies share: no key",
        do="put the company's own domain",
    ),
    Rule(
        name="website_unreadable",
        weight=50,
        means="its website is no web address: no key",
        do="write it as www.example.com",
    ),
    Rule(
        name="name_too_often",
        weight=40,
        means="its name is on so many accounts that it is no key",
        do="write the legal name, add website, country or a number",
    ),
    Rule(
        name="name_lost",
        weight=40,
        means="another account of yours goes by its name: the name finds neither, or only the other",
        do="merge them if they are one; else add website, country or a number",
    ),
    Rule(
        name="identifier_shared",
        weight=40,
        means="its number is on accounts that are different companies: no key",
        do="leave the number with the company that it belongs to",
    ),
    Rule(
        name="identifier_invalid",
        weight=40,
        means="not a number of its kind: no key",
        do="copy it again from the register",
    ),
    Rule(
        name="free_mail",
        weight=30,
        means="the contact's address is at a mail provider, which says nothing of the company",
        do="add the company's website",
    ),
    Rule(
        name="name_only",
        weight=25,
        means="found by its name alone: seldom certain",
        do="add the company's own website, or a number of a register",
    ),
    Rule(
        name="name_unreadable",
        weight=40,
        means="its name is no text of a name: no key",
        do="write the company's name",
    ),
    Rule(
        name="names_on_domain",
        weight=20,
        means="other companies of yours have the same website",
        do="subsidiaries: give each its own site or number; a platform: put their own domains",
    ),
    Rule(
        name="country_unreadable",
        weight=15,
        means="its country is not understood, so names cannot be told apart by it",
        do="write the country's name or its two letters",
    ),
    Rule(
        name="country_missing",
        weight=10,
        means="its name is compared without country: less certain",
        do="add the country",
    ),
    Rule(
        name="duplicate",
        weight=10,
        means="the same company as another account, or its branch elsewhere: both count as one",
        do="merge it into the likely master, or leave it if it is a branch",
    ),
    Rule(
        name="value_unreadable",
        weight=1,
        means="a cell is not used: it cannot be shared",
        do="write amounts, dates, currencies and addresses as usual",
    ),
)
RULES: Final = MappingProxyType({rule.name: rule for rule in _ALL})
"""Name -> rule."""
