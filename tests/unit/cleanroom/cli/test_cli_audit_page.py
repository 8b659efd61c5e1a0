import re
from dataclasses import replace
from html.parser import HTMLParser

from audits import AUDIT, BROKEN, ESCROW_WORDS, ROOT
from commandline import NOW

from cleanroom.audit.report import report
from cleanroom.audit.result import Audit
from cleanroom.cli.html.report import report_page
from cleanroom.domain.vocabulary import Form

HOSTILE = "<script>alert(1)</script> \u202eevil\x1b[31m & \"co\" 'x' $title"


class Read(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text = f"{self.text} {data.strip()}".strip()


def page(audit: Audit, bundle: str = "a.cleanroom-audit") -> str:
    return report_page(audit, report(audit), bundle=bundle, now=NOW)


def test_nothing_that_others_wrote_becomes_markup() -> None:
    members = tuple(replace(member, name=HOSTILE) for member in AUDIT.members)
    finding = replace(BROKEN, where=HOSTILE, what=HOSTILE)
    shown = tuple(replace(row, field=HOSTILE) for row in AUDIT.shown)
    accounts = ({HOSTILE: Form.FULL},)
    touched = tuple(replace(match, cell=(HOSTILE, HOSTILE), accounts=accounts) for match in AUDIT.touched)
    hostile = replace(
        AUDIT,
        title=HOSTILE,
        members=members,
        findings=(finding,),
        shown=shown,
        touched=touched,
        segments=(HOSTILE,) * 3,
        checked={HOSTILE: 1},
    )
    text = page(hostile, bundle=f"{HOSTILE}.cleanroom-audit")
    found = Read(text)
    assert {"script", "link", "img", "iframe", "a"}.isdisjoint(tag for tag, _ in found.tags)
    assert not any(name.startswith("on") or name in ("src", "href") for _, attrs in found.tags for name in attrs)
    assert {"\x1b", "\u202e"}.isdisjoint(text)
    assert text.count("&lt;script&gt;") > 10


def test_the_page_needs_nothing_else() -> None:
    text = page(AUDIT)
    assert not re.search(r"https?:|url\(|@import|//[a-z]", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_what_was_seen_by_whom_under_which_policies_is_on_it() -> None:
    text = Read(page(AUDIT)).text
    assert "Globex saw of Acme" in text
    assert "stage 2 full now, 3 to 5 ever under 1 / 1, 2 / 1 amount 0 reduced now, 2 ever under 1 / 1" in text


def test_widenings_have_both_signatures_and_narrowings_their_moment() -> None:
    text = Read(page(AUDIT)).text
    assert "5 2026-03-01 10:00 UTC Acme, version 1 widens written by a1a1a1a1 approved by b2b2b2b2" in text
    assert (
        "Globex, version 1 widens written by c3c3c3c3 approved by nobody else, 24 hours after it was proposed" in text
    )
    assert "16 2026-03-02 08:00 UTC Acme, version 2 narrows; a new epoch" in text


def test_openings_have_both_sides_and_the_exchange() -> None:
    text = Read(page(AUDIT)).text
    assert "Acme: 2 to 5 rows, 2026-03-01 14:00 UTC Globex: 2 to 5 rows, 2026-03-01 16:00 UTC" in text
    assert text.count("2026-03-01 18:00 UTC") == 1
    assert "1 of epoch 0" in text
    bare = replace(AUDIT, events=tuple(event for event in AUDIT.events if event.index != 9))
    assert "2026-03-01 18:00 UTC" not in Read(page(bare)).text


def test_how_to_check_it_again_is_on_it() -> None:
    text = Read(page(AUDIT, bundle="my bundle")).text
    assert "cleanroom audit verify 'my bundle' --fingerprint" in text
    assert ROOT in text
    assert " ".join(ESCROW_WORDS) in text
    assert "Cosigned by Acme the first 20 entries, 2026-03-02 14:00 UTC" in text
    assert "Cosigned by Globex" not in text


def test_failed_checks_stand_before_everything_else() -> None:
    text = Read(page(replace(AUDIT, findings=(*AUDIT.findings, BROKEN)))).text
    assert "Does not hold: 1 check failed." in text
    assert text.index("its approver is its author") < text.index("Globex never cosigned") < text.index("What was seen")
    assert Read(page(AUDIT)).text.index("Globex never cosigned") > text.index("What was seen")


def test_what_there_is_none_of_is_said() -> None:
    empty = replace(AUDIT, events=(), shown=(), touched=(), findings=(), erased=2)
    text = Read(page(empty)).text
    assert text.count("None.") == 6
    assert "2 records; they are in no number below" in text


def test_tables_can_be_read_by_a_screen_reader() -> None:
    tags = Read(page(AUDIT)).tags
    scopes = [attrs.get("scope") for tag, attrs in tags if tag == "th"]
    assert set(scopes) == {"row", "col"}
    assert [tag for tag, _ in tags].count("caption") == [tag for tag, _ in tags].count("table") == 6
