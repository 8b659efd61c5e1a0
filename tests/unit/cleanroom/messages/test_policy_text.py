import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from policies_made import OWNER, PARTNERS, policies

from cleanroom.domain.fields import DEFAULT_CATALOGUE, FieldClass
from cleanroom.domain.vocabulary import Form, Nomination, PartnerId, Purpose, Reciprocity, Role
from cleanroom.messages.policy_text import PolicyTextRefused, read_policy, write_policy
from cleanroom.messages.strict_yaml import MOST_BYTES, MOST_COMPLAINTS, MOST_LEVELS
from cleanroom.policy.model import MOST_RULES, Effect, Ground, Policy, PolicyRefused, Rule, When

CANARY = "kanarienvogel"
GROUND = Ground(catalogue=DEFAULT_CATALOGUE, segments=("customers", "prospects"))
WHOLE = """\
accepts: {account: exists, identity: full, owner_email: reduced}
ceilings: {notes: hidden}
rules:
  - id: pipeline
    grant: full                # a comment
    fields: [stage, amount]
    to: Globex
    when:
      segments: [[customers, prospects]]
      nomination: [mine, both]
      purpose: [co_sell]
      viewer: seller
      reciprocity: same_form
    from: 2026-01-01
    until: 2026-12-31T09:00:00+01:00
    note: why
  - {id: quiet, deny: true, class: contact}
"""
COMPLAINT = re.compile(r"line [1-9][0-9]*, column [1-9][0-9]*: [^\n]+|and [1-9][0-9]* more")


def read(source: str | bytes, *, ground: Ground | None = None) -> Policy:
    return read_policy(source, owner=OWNER, partners=PARTNERS, ground=ground)


def refused(source: str | bytes, *, ground: Ground | None = None) -> list[str]:
    with pytest.raises(PolicyTextRefused) as refusal:
        read(source, ground=ground)
    message = str(refusal.value)
    lines = message.split("\n")
    assert CANARY not in message
    assert all(COMPLAINT.fullmatch(line) for line in lines), lines
    assert len(lines) <= MOST_COMPLAINTS + 1
    assert refusal.value.__cause__ is None
    return lines


def rule(text: str) -> str:
    """A policy of one rule that is fine but for `text`, which stands in line 5."""
    return f"rules:\n  - id: one\n    grant: full\n    fields: stage\n    {text}\n"


# ---- what the shape says


def test_a_whole_policy_is_read() -> None:
    pipeline = Rule(
        id="pipeline",
        effect=Effect.GRANT,
        fields=frozenset({"stage", "amount"}),
        form=Form.FULL,
        recipient=PARTNERS["Globex"],
        when=When(
            segments=frozenset({("customers", "prospects")}),
            nominations=frozenset({Nomination.MINE, Nomination.BOTH}),
            purposes=frozenset({Purpose.CO_SELL}),
            roles=frozenset({Role.SELLER}),
            reciprocity=Reciprocity.SAME_FORM,
        ),
        not_before=datetime(2026, 1, 1, tzinfo=UTC),
        expires=datetime(2026, 12, 31, 8, tzinfo=UTC),
        note="why",
    )
    quiet = Rule(id="quiet", effect=Effect.DENY, classes=frozenset({FieldClass.CONTACT}))
    accepts = {"account": Form.EXISTS, "identity": Form.FULL, "owner_email": Form.REDUCED}
    wanted = Policy(owner=OWNER, rules=(pipeline, quiet), accepts=accepts, ceilings={"notes": Form.HIDDEN})
    assert read(WHOLE) == wanted
    assert read(WHOLE, ground=GROUND) == wanted


@pytest.mark.parametrize(
    "text", ["{}", "rules: []", "accepts: {}\nceilings: {}\nrules: []", "---\n{}\n...\n", "# x\n{}"]
)
def test_a_policy_may_say_nothing(text: str) -> None:
    assert read(text) == Policy(owner=OWNER)


def test_one_word_is_a_list_of_one_and_quotes_make_no_difference() -> None:
    for fields in ("stage", '"stage"', "'stage'", "[stage]", '["stage"]', "\n      - stage"):
        found = read(f"rules:\n  - id: one\n    grant: full\n    fields: {fields}\n")
        assert found.rules[0].fields == {"stage"}
    assert read(rule("classes: contact")) == read(rule("class: contact")) == read(rule("classes: [contact]"))


def test_a_recipient_is_a_name_or_an_id() -> None:
    assert read(rule("to: Globex")).rules[0].recipient == PARTNERS["Globex"]
    assert read(rule("to: " + "ab" * 16)).rules[0].recipient == "ab" * 16
    assert read(rule("to: " + "0e" * 16)).rules[0].recipient == "0e" * 16  # an id before a name that looks like one
    assert "line 5, column 9: rule 1, to: no partner" in refused(rule(f"to: {CANARY}"))[0]


def test_words_that_yaml_turns_into_something_else_are_words() -> None:
    for word in ("no", "on", "y", "null", "true"):
        assert read(f"accepts: {{{word}: full}}").accepts == {word: Form.FULL}
    assert read(rule("to: no")).rules[0].recipient == PARTNERS["no"]
    assert read(rule("note: 0x10")).rules[0].note == "0x10"
    assert read(rule("note: 2026-01-01")).rules[0].note == "2026-01-01"
    assert read(rule("note: null")).rules[0].note == "null"
    assert read(rule("note: 1_000:10")).rules[0].note == "1_000:10"


def test_a_byte_order_mark_and_line_ends_make_no_difference() -> None:
    wanted = read(WHOLE)
    for source in ("\ufeff" + WHOLE, WHOLE.encode(), b"\xef\xbb\xbf" + WHOLE.encode(), WHOLE.replace("\n", "\r\n")):
        assert read(source) == wanted


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T23:59:59Z", datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)),
        ("2026-03-01T00:30:00+02:00", datetime(2026, 2, 28, 22, 30, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2000-01-01", datetime(2000, 1, 1, tzinfo=UTC)),
    ],
)
def test_dates_are_midnights_in_utc_and_moments_have_zones(written: str, meant: datetime) -> None:
    assert read(rule(f"until: {written}")).rules[0].expires == meant
    assert read(rule(f'from: "{written}"')).rules[0].not_before == meant


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-30",
        "2026-13-01",
        "2026-1-1",
        "20260101",
        "2026-W01-1",
        "2026-01-01T24:00:00Z",
        "2026-01-01T10:00:00",
        "2026-01-01T10:00Z",
        "2026-01-01 10:00:00Z",
        "2026-01-01T10:00:00.5Z",
        "2026-01-01T10:00:00+25:00",
        "9999-12-31T23:59:59-01:00",
        "1999-12-31",
        "2000-01-01T00:00:00+01:00",
        "٢٠٢٦-01-01",
        "tomorrow",
        "",
        "[2026-01-01]",
    ],
)
def test_days_that_do_not_exist_or_are_written_otherwise_are_refused(written: str) -> None:
    (line,) = refused(rule(f"until: {written}"))
    assert line.startswith("line 5, column ")
    assert ": rule 1, until: " in line
    assert "2026" not in line.removeprefix("line 5").replace("2026-01-31", "")


# ---- complaints say where and which rule


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("fild: stage", "line 5, column 5: rule 1: unknown key; known are id, grant, "),
        ("fild: stage", "; did you mean fields?"),
        ("note: a\n    note: b", "line 6, column 5: rule 1, note: repeated"),
        ("note: ", "line 5, column 10: rule 1, note: nothing is written here"),
        ("deny: true", "line 2, column 5: rule 1: needs either grant (a form) or deny (true)"),
        ("deny: yes", "line 5, column 11: rule 1, deny: must be true"),
        (
            "class: contacts",
            "rule 1, class: must be one of identity, contact, commercial, free_text; did you mean contact?",
        ),
        ("class: [contact]", "line 5, column 12: rule 1, class: must be one word or text"),
        ("class: contact\n    classes: [identity]", "line 2, column 5: rule 1: needs either class or classes"),
        ("classes: []", "line 5, column 14: rule 1, classes: an empty list; leave the key out"),
        ("classes: [contact, contact]", "line 5, column 24: rule 1, classes, item 2: repeated"),
        ("classes: {contact: full}", "line 5, column 14: rule 1, classes: must be one word or text"),
        ("when: seller", "line 5, column 11: rule 1, when: must have members (name: value)"),
        ("when: {viewer: sellar}", "rule 1, when, viewer: must be one of admin, partner_manager, seller, "),
        ("when: {viewer: sellar}", "did you mean seller?"),
        ("when: {viewer: zzz}", "security_reviewer"),
        (
            "when: {nomination: [mine, yes]}",
            "line 5, column 31: rule 1, when, nomination, item 2: must be one of none, ",
        ),
        ("when: {purpose: any}", "rule 1, when, purpose: must be one of co_sell, "),
        ("when: {reciprocity: [none]}", "rule 1, when, reciprocity: must be one word or text"),
        ("when: {segments: [customers, prospects]}", "item 1: must be a pair: [my segment, their segment]"),
        ("when: {segments: customers}", "line 5, column 22: rule 1, when, segments: must be a list of pairs: [[my"),
        ("when: {segments: [[a, b, c]]}", "line 5, column 23: rule 1, when, segments, item 1: must be a pair"),
        ("when: {segments: [[a, any!]]}", "rule 1, when, segments, item 1, theirs: must be a-z, then a-z, 0-9 or _"),
        ("when: {segments: [[a, b], [a, b]]}", "line 5, column 31: rule 1, when, segments, item 2: repeated"),
        ("from: 2026-01-02\n    until: 2026-01-02", "line 2, column 5: rule 1: expires before it begins"),
        (f"note: {'x' * 1001}", "line 5, column 11: rule 1, note: longer than 1000 characters"),
    ],
)
def test_a_complaint_names_line_column_place_and_rule(text: str, wanted: str) -> None:
    lines = refused(rule(text))
    assert any(wanted in line for line in lines), lines


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("- 3", "line 2, column 5: rule 1: must have members"),
        ("- {}", "line 2, column 5: rule 1: has no id"),
        ("- {id: A, deny: true, class: contact}", "line 2, column 10: rule 1, id: must be a-z, then"),
        ("- {id: a, deny: true}", "line 2, column 5: rule 1: names no field and no class"),
        ("- {id: a, class: contact}", "line 2, column 5: rule 1: needs either grant"),
        ("- {id: a, grant: yes, class: contact}", "rule 1, grant: must be one of reduced, full"),
        ("- {id: a, grant: hidden, class: contact}", "rule 1, grant: must be one of reduced, full"),
        (
            "- {id: a, grant: exist, fields: account}",
            "rule 1, grant: must be one of count, exists; did you mean exists?",
        ),
        ("- {id: a, grant: full, fields: account}", "rule 1, grant: must be one of count, exists"),
        ("- {id: a, deny: true, fields: [account, stage]}", "rule 1: account stands alone"),
        ("- {id: a, deny: true, fields: account, when: {viewer: seller}}", "rule 1: existence is decided for whole"),
        (
            "- {id: a, deny: true, class: contact}\n  - {id: a, deny: true, class: contact}",
            "line 3, column 10: rule 2, id: another rule has it",
        ),
    ],
)
def test_a_complaint_about_a_rule_names_its_number(text: str, wanted: str) -> None:
    lines = refused(f"rules:\n  {text}\n")
    assert any(wanted in line for line in lines), lines


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"{CANARY}: 1", "line 1, column 1: policy: unknown key; known are accepts, ceilings, rules"),
        ("rules: []\nrules: []", "line 2, column 1: policy, rules: repeated"),
        ("rules: {}", "line 1, column 8: policy, rules: must be a list; [] is an empty one"),
        ("rules:", "line 1, column 7: policy, rules: must be a list; [] is an empty one"),
        ("accepts: []", "line 1, column 10: policy, accepts: must have members (name: value)"),
        (
            "accepts: {account: full}",
            "line 1, column 20: policy, accepts, a form: must be one of hidden, count, exists",
        ),
        ("ceilings: {stage: exists}", "policy, ceilings, a form: must be one of hidden, reduced, full"),
        ("accepts: {stage: full, stage: full}", "line 1, column 24: policy, accepts, a name: repeated"),
        ("accepts: {Stage: full}", "line 1, column 11: policy, accepts, a name: must be a-z, then a-z, 0-9 or _"),
        ("[]", "line 1, column 1: policy: must have members"),
        (CANARY, "line 1, column 1: policy: must have members"),
    ],
)
def test_a_complaint_about_the_rest_names_its_key(text: str, wanted: str) -> None:
    lines = refused(text)
    assert any(line.startswith(wanted) or wanted in line for line in lines), lines


def test_names_are_checked_against_the_room_where_it_is_known() -> None:
    text = f"""\
accepts: {{stge: full, contact: full, account: exists}}
rules:
  - id: one
    grant: full
    fields: [amuont, stage, {CANARY}]
    when: {{segments: [[customer, prospects]]}}
"""
    assert read(text).rules[0].fields == {"amuont", "stage", CANARY}
    first, second, third, fourth = refused(text, ground=GROUND)
    assert first.startswith("line 1, column 11: policy, accepts, a name: must be one of account, ")
    assert first.endswith("did you mean stage?")
    assert second.startswith("line 5, column 14: rule 1, fields, item 1: ")
    assert second.endswith("did you mean amount?")
    assert third.startswith("line 5, column 29: rule 1, fields, item 3: ")
    assert fourth == (
        "line 6, column 24: rule 1, when, segments, item 1, mine: must be one of customers, prospects; "
        "did you mean customers?"
    )


def test_complaints_come_all_at_once_from_top_to_bottom_up_to_twenty() -> None:
    bad = "  - {id: A, grant: nothing, fields: Stage}\n"
    lines = refused("rules:\n" + bad * 3)
    assert len(lines) == 9
    assert [line.split(",")[0] for line in lines] == ["line 2"] * 3 + ["line 3"] * 3 + ["line 4"] * 3
    lines = refused("rules:\n" + bad * 10)
    assert len(lines) == MOST_COMPLAINTS + 1
    assert lines[-1] == "and 10 more"


# ---- what is not read


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("rules: &all []", "line 1, column 8: an anchor"),
        ("accepts: {a: &form full, b: *form}", "line 1, column 29: an alias"),
        (f"rules: *{CANARY}", "line 1, column 8: an alias"),
        ("accepts: {<<: {a: full}}", "line 1, column 11: a merge key"),
        ("accepts: {<<: *a, a: full}", "a merge key"),
        ("accepts: {'<<': {a: full}}", "a merge key"),
        ("rules: !!python/object/apply:os.system [x]", "line 1, column 8: a tag"),
        ("rules: !!seq []", "a tag"),
        (f"rules: !{CANARY} []", "a tag"),
        ("accepts: {a: !!binary aGk=}", "a tag"),
        ("accepts: {a: ! full}", "a tag"),
        ("accepts: {!!str a: full}", "line 1, column 11: a tag"),
        ("? [a]\n: b", "line 1, column 3: a key that is no text"),
        ("? {a: b}\n: b", "a key that is no text"),
        ("rules: []\n---\nrules: []", "line 2, column 1: a second document"),
        ("rules: []\n...\n--- []", "line 3, column 1: a second document"),
        ("%YAML 1.1\n---\nrules: []", "line 1, column 1: a line that begins with %"),
        ("%TAG ! tag:x,2000:\n---\nrules: []", "a line that begins with %"),
        (f"%{CANARY}\n---\nrules: []", "a line that begins with %"),
        ("rules:\n\t- id: a", "line 2, column 1: a tab; indent with spaces"),
        (rule('note: "a\tb"'), "line 5, column 13: a tab"),
        (rule("note: a\x00b"), "line 5, column 12: a control or direction character"),
        (rule("note: a\x1b[31mb"), "a control or direction character"),
        (rule("note: a\u202eb"), "a control or direction character"),
        (rule("note: a\u2066b"), "a control or direction character"),
        (rule("note: a\u2028b"), "a control or direction character"),
        (rule("note: a\x85b"), "a control or direction character"),
        (rule("note: a\ufeffb"), "a control or direction character"),
        (rule("note: a\ud800b"), "line 5, column 12: a control or direction character"),
        (rule("# a\u202eb"), "line 5, column 8: a control or direction character"),
        (rule('note: "a\\u202eb"'), "line 5, column 11: a control or direction character"),
        (rule('note: "a\\x00b"'), "a control or direction character"),
        (rule('note: "a\\tb"'), "a control or direction character"),
        (rule('note: "a\\rb"'), "a control or direction character"),
        (rule('note: "a\\ud800b"'), "a control or direction character"),
        (rule('note: "a\\Lb"'), "a control or direction character"),
        (rule('note: "a\\UFFFFFFFFb"'), "line 5, column 13: an escape that is no character"),
        (rule('note: "a\\U00110000b"'), "an escape that is no character"),
        (rule('note: "a\\qb"'), "not YAML from here on"),
        (b"rules: []\n# \xff", "line 2, column 3: not UTF-8 from here on"),
        (b"rules: []\n# \xed\xa0\x80", "not UTF-8 from here on"),
        ("rules: []".encode("utf-16"), "line 1, column 1: not UTF-8 from here on"),
        ("rules: [", "not YAML from here on"),
        (f"rules: []\n'{CANARY}", "not YAML from here on"),
        ("a: b: c", "line 1, column 5: not YAML from here on"),
        ("rules:\n- id: a\n  - b", "not YAML from here on"),
        ("rules: `x`", "line 1, column 8: not YAML from here on"),
        ("", "line 1, column 1: nothing is written here"),
        ("# only a comment\n", "nothing is written here"),
        ("---\n", "policy: must have members"),
    ],
)
def test_everything_else_that_yaml_has_is_refused(text: str | bytes, wanted: str) -> None:
    lines = refused(text)
    assert any(line.startswith(wanted) or wanted in line for line in lines), lines


def test_the_longest_text_is_read_and_one_byte_more_is_not() -> None:
    text = "rules: []\n#"
    filled = text + "é" * ((MOST_BYTES - len(text)) // 2) + "x" * ((MOST_BYTES - len(text)) % 2)
    assert read(filled) == read(filled.encode()) == Policy(owner=OWNER)
    for longer in (filled + "x", filled.encode() + b"x", b"\xff" * (MOST_BYTES + 1)):
        assert refused(longer) == ["line 1, column 1: longer than 256 KiB"]


@pytest.mark.parametrize("opened", ["[", "{a: ", "- ", "? ", "a:\n"])
def test_a_text_that_nests_deeply_is_refused_and_not_followed(opened: str) -> None:
    text = "".join("  " * depth + opened for depth in range(300)) if opened.endswith("\n") else opened * 50_000
    (line,) = refused("rules:\n  " + text if not opened.endswith("\n") else text)
    assert f"more than {MOST_LEVELS} levels deep" in line or "not YAML" in line


@pytest.mark.parametrize(
    "text", ["\t" * 200_000, "%\n" * 100_000, '"\\UFFFFFFFF' * 20_000, "&a " * 80_000, "!a " * 80_000]
)
def test_a_text_that_is_wrong_everywhere_gives_few_complaints(text: str) -> None:
    refused(text)


def test_a_thousand_rules_are_read_and_one_more_is_not() -> None:
    lines = [f"  - {{id: r{number}, deny: true, class: contact}}\n" for number in range(MOST_RULES + 1)]
    assert len(read("rules:\n" + "".join(lines[:-1])).rules) == MOST_RULES
    assert refused("rules:\n" + "".join(lines)) == ["line 1, column 1: policy: more than 1000 rules"]


# ---- any text


def read_or_complaints(source: str | bytes) -> Policy | list[str]:
    try:
        return read(source)
    except PolicyTextRefused as refusal:
        return str(refusal).split("\n")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200) | st.text("[]{},:- \n'\"#&*!|>%?aé\\xuU0", max_size=80))
@example('"\\UFFFFFFFF"')
@example("? ")
@example("a: |9\n b")
@example("!<\x20> a")
@example("!%ff a")
def test_any_text_is_a_policy_or_refused_and_nothing_else_comes_out(source: str | bytes) -> None:
    found = read_or_complaints(source)
    if isinstance(found, Policy):
        assert read(write_policy(found, partners=PARTNERS)) == found
    else:
        assert all(COMPLAINT.fullmatch(line) for line in found)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_changed_policy_is_a_policy_or_refused_and_no_rule_gets_lost(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(WHOLE)))
    end = data.draw(st.integers(start, min(len(WHOLE), start + 6)))
    changed = WHOLE[:start] + data.draw(st.text(max_size=4)) + WHOLE[end:]
    found = read_or_complaints(changed)
    if not isinstance(found, Policy):
        assert all(COMPLAINT.fullmatch(line) for line in found)
        return
    written = yaml.load(changed.removeprefix("\ufeff"), Loader=yaml.BaseLoader)  # noqa: S506 - texts only
    assert len(found.rules) == len(written.get("rules", []))
    assert set(found.accepts) == set(written.get("accepts", {}))
    assert set(found.ceilings) == set(written.get("ceilings", {}))


# ---- written for people


@settings(max_examples=40, deadline=None)
@given(policies())
def test_what_is_written_is_read_as_the_same_policy(policy: Policy) -> None:
    text = write_policy(policy, partners=PARTNERS)
    assert read(text) == policy
    assert read(write_policy(policy, partners={})) == policy
    assert write_policy(read(text), partners=PARTNERS) == text


def test_the_written_text_reads_like_this() -> None:
    assert (
        write_policy(read(WHOLE), partners=PARTNERS)
        == """\
# What leaves here, field by field. The terms grant counts; what else no rule grants stays here. A deny wins.
# Forms: account is hidden < count < exists, every other field hidden < reduced < full.

# What we are willing to receive. What is not named here does not come in.
accepts:
  account: exists
  identity: full
  owner_email: reduced

# What we never exceed, whatever the rules grant.
ceilings:
  notes: hidden

# Segments are pairs: [mine, theirs]. A date is its midnight in UTC; until is the first moment that is too late.
rules:
  - id: pipeline
    grant: full
    fields: [amount, stage]
    to: "Globex"
    when:
      segments: [[customers, prospects]]
      nomination: [both, mine]
      purpose: [co_sell]
      viewer: [seller]
      reciprocity: same_form
    from: 2026-01-01
    until: 2026-12-31T08:00:00Z
    note: "why"
  - id: quiet
    deny: true
    classes: [contact]
"""
    )


def test_a_partner_is_written_by_name_unless_the_name_could_mislead() -> None:
    policy = read(rule("to: Globex"))
    for name in ("0b" * 16, "a\u202eb", ""):
        text = write_policy(policy, partners={name: PARTNERS["Globex"]})
        assert f'to: "{PARTNERS["Globex"]}"' in text
    both = {"Globex": PARTNERS["Globex"], "Acme": PARTNERS["Globex"]}
    assert 'to: "Acme"' in write_policy(policy, partners=both)


@pytest.mark.parametrize("note", ["a\x00b", "a\tb", "a\u202eb", "x" * 1001])
def test_a_note_that_could_not_be_read_back_is_not_written(note: str) -> None:
    policy = read(rule("note: a"))
    wrong = replace(policy, rules=(replace(policy.rules[0], note=note),))
    with pytest.raises(PolicyRefused, match="rule number 1: its note"):
        write_policy(wrong, partners={})


def test_names_that_could_not_be_read_back_are_not_written() -> None:
    wrong = Rule(id="A b", effect=Effect.DENY, fields=frozenset({"stage"}))
    with pytest.raises(PolicyRefused, match="rule number 1"):
        write_policy(Policy(owner=OWNER, rules=(wrong,)), partners={})


def test_a_text_that_would_be_too_long_is_not_written() -> None:
    rules = [
        Rule(id=f"r{number}", effect=Effect.DENY, fields=frozenset({"stage"}), note="x" * 900) for number in range(300)
    ]
    with pytest.raises(PolicyRefused, match="256 KiB"):
        write_policy(Policy(owner=OWNER, rules=tuple(rules)), partners={})


def test_the_owner_is_not_in_the_text() -> None:
    other = PartnerId("9" * 32)
    text = write_policy(read(WHOLE), partners=PARTNERS)
    assert OWNER not in text
    assert read_policy(text, owner=other, partners=PARTNERS).owner == other
