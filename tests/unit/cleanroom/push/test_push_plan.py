from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleanroom.agent import lists, push, push_plan
from cleanroom.agent.client import EscrowClient
from cleanroom.agent.keys import PrivateIdentity
from cleanroom.agent.list_keys import UnknownList
from cleanroom.agent.progress import Progress
from cleanroom.agent.push_plan import Choices, File, Origin, Plan, Query
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.session import Agent, Config
from cleanroom.agent.tables import load_tables
from cleanroom.agent.transport import Transport
from cleanroom.agent.vault import Vault
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import PartnerKind

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HEADER = "Account ID,Account Name,Website,Country,Type,Value\n"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """An agent with a real vault; its escrow is never asked."""
    identity, key = PrivateIdentity.generate(), PrivateIdentity.generate().public().identity_key
    url = "http://127.0.0.1:9"
    with (
        Vault.create(tmp_path / "vault.db", Secret("correct horse"), kdf_cost=KdfCost.unsafe_for_tests()) as vault,
        Transport(url, identity=identity, escrow_key=key, clock=lambda: NOW) as transport,
    ):
        yield Agent(
            home=tmp_path,
            config=Config(name="Acme", kind=PartnerKind.ISV, url=url, escrow_key=key.hex()),
            vault=vault,
            identity=identity,
            escrow=EscrowClient(transport),
            tables=load_tables(),
            clock=lambda: NOW,
            progress=Progress(),
        )


def planned(agent: Agent, path: Path, **choices: object) -> Plan:
    table = push_plan.read(agent, File(path=path))
    return push_plan.plan(agent, table, Choices(**{"name": "mine", **choices}))  # type: ignore[arg-type]  # as a test says


def kept(agent: Agent, plan: Plan) -> push.PushReport:
    prepared = push.prepare(agent, plan)
    lists.store(agent, prepared.data, None)
    push_plan.remember(agent, plan)
    return prepared.report


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(HEADER + '1,One,one.com,France,Customer,"1.000,50"\n2,Two,two.com,Spain,Prospect,"2,5"\n')
    return path


def test_how_a_list_was_read_is_used_again_and_can_be_forgotten(agent: Agent, file: Path) -> None:
    first = planned(
        agent, file, columns={"website": "Website", "region": "Value"}, segment_from=SegmentFrom(column="Type")
    )
    kept(agent, first)
    again = planned(agent, file)
    assert (first.origin, again.origin) == (Origin.GUESSED, Origin.SAVED)
    assert again.mapping == first.mapping
    assert again.segment_from == first.segment_from
    fresh = planned(agent, file, fresh=True, segment="customers")
    assert fresh.origin is Origin.GUESSED
    assert "region" not in fresh.mapping.columns


def test_a_new_choice_of_segment_replaces_the_saved_one(agent: Agent, file: Path) -> None:
    kept(agent, planned(agent, file, segment="customers"))
    assert planned(agent, file).segment == "customers"
    changed = planned(agent, file, segment_from=SegmentFrom(column="Type", values={"Customer": "customers"}))
    kept(agent, changed)
    again = planned(agent, file)
    assert (again.segment, again.segment_from) == (None, changed.segment_from)


def test_a_saved_mapping_that_does_not_fit_is_refused_not_guessed_anew(
    agent: Agent, file: Path, tmp_path: Path
) -> None:
    kept(agent, planned(agent, file, segment="customers"))
    other = tmp_path / "other.csv"
    other.write_text("Account ID,Account Name,Domain,Country\n1,One,one.com,France\n")
    with pytest.raises(InputRefused, match="website"):
        planned(agent, other)
    assert planned(agent, other, columns={"website": "Domain"}).mapping.columns["name"] == "Account Name"


def test_a_list_without_a_segment_is_refused_unless_a_column_is_called_so(
    agent: Agent, file: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputRefused, match="--segment"):
        planned(agent, file)
    named = tmp_path / "named.csv"
    named.write_text("name,website,Segment\nOne,one.com,customers\n")
    assert planned(agent, named).segment_from == SegmentFrom(column="Segment")


def test_two_sources_of_segments_are_refused(agent: Agent, file: Path) -> None:
    with pytest.raises(InputRefused, match="not both"):
        planned(agent, file, segment="customers", segment_from=SegmentFrom(column="Type"))


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "tab\there"])
def test_a_name_that_cannot_be_a_lists_is_refused_before_anything_is_read(agent: Agent, file: Path, name: str) -> None:
    with pytest.raises(InputRefused, match="list name"):
        planned(agent, file, name=name, segment="customers")


def test_refused_keys_are_named_by_their_row_in_the_source(agent: Agent, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    rows = ["1,One,one.com,France", "1,Again,again.com,France", "2,Two,no host,France", "3,Three,three.com,France"]
    path.write_text("Account ID,Account Name,Website,Country\n" + "\n".join(rows) + "\n5,Five,also none,France\n")
    report = kept(agent, planned(agent, path, segment="customers"))
    found = report.refused[["row", "column", "left_out"]].to_numpy().tolist()
    assert found == [[3, "account_id", True], [4, "website", False], [6, "website", False]]
    assert not report.refused["rule"].str.contains("host, |none").any()
    assert (report.rows, report.accounts, report.keyless) == (5, 4, 0)


def test_refused_keys_of_a_delta_are_named_by_their_row_in_the_delta(agent: Agent, file: Path, tmp_path: Path) -> None:
    kept(agent, planned(agent, file, segment="customers"))
    delta = tmp_path / "delta.csv"
    delta.write_text(HEADER.strip() + ",Change\n2,,,,,,delete\n7,Seven,bad host,France,,,\n1,One,one.org,France,,,\n")
    table = push_plan.read(agent, File(path=delta))
    plan = push_plan.plan_changes(agent, table, Choices(name="mine"))
    prepared = push.prepare_changes(agent, plan)
    assert prepared.report.refused[["row", "column"]].to_numpy().tolist() == [[3, "website"]]
    assert (prepared.report.upserted, prepared.report.deleted, prepared.report.accounts) == (2, 1, 2)
    assert not plan.whole


def test_a_delta_of_deletions_only(agent: Agent, file: Path, tmp_path: Path) -> None:
    kept(agent, planned(agent, file, segment="customers"))
    delta = tmp_path / "delta.csv"
    delta.write_text("Account ID,Change\n2,delete\n")
    plan = push_plan.plan_changes(agent, push_plan.read(agent, File(path=delta)), Choices(name="mine"))
    assert push.prepare_changes(agent, plan).report.accounts == 1


def test_a_delta_of_a_list_that_was_never_pushed(agent: Agent, file: Path) -> None:
    table = push_plan.read(agent, File(path=file))
    plan = push_plan.plan_changes(agent, table, Choices(name="mine", segment="customers"))
    with pytest.raises(UnknownList):
        push.prepare_changes(agent, plan)


def test_a_list_from_a_database(agent: Agent) -> None:
    source = Query(url="sqlite://", query="SELECT 'One' AS name, 'one.com' AS website UNION SELECT 'Two', 'two.com'")
    assert "one.com" not in repr(source)
    plan = push_plan.plan(agent, push_plan.read(agent, source), Choices(name="db", segment="customers"))
    assert kept(agent, plan).accounts == 2


def test_the_report_says_what_hurts_of_the_list_and_of_a_delta_only_of_its_rows(agent: Agent, tmp_path: Path) -> None:
    path, rows = tmp_path / "list.csv", HEADER
    rows += "1,Harbour Light,harbourlight.com,France,Customer,1\n2,Anna Bread,facebook.com/anna,,Customer,1\n"
    path.write_text(rows + "3,Harbour Light,harbourlight.com,France,Customer,1\n,Lost,lost.com,,Customer,1\n")
    report = kept(agent, planned(agent, path, segment_from=SegmentFrom(column="Type")))
    assert dict(report.lint.rules) == {
        "row_left_out": 1, "shared_host": 1, "name_only": 1, "country_missing": 1, "duplicate": 1
    }  # fmt: skip
    assert (report.lint.accounts, report.lint.strong, report.lint.name_only) == (3, 2, 1)
    delta = tmp_path / "delta.csv"
    delta.write_text(HEADER + "2,Anna Bread,annabread.es,Spain,Customer,1\n4,Bob,x.com/b,Spain,Zork,1\n")
    plan = push_plan.plan_changes(agent, push_plan.read(agent, File(path=delta)), Choices(name="mine"))
    assert dict(push.prepare_changes(agent, plan).report.lint.rules) == {
        "no_segment": 1, "shared_host": 1, "name_only": 1
    }  # fmt: skip
    delta.write_text("Account ID,Change\n1,delete\n")
    plan = push_plan.plan_changes(agent, push_plan.read(agent, File(path=delta)), Choices(name="mine"))
    gone = push.prepare_changes(agent, plan).report
    assert (gone.deleted, gone.lint.accounts, dict(gone.lint.rules)) == (1, 0, {})
