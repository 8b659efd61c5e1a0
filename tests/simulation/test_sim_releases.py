"""P9 from end to end: what each side sees is what both policies give, and nothing else, through changes and crashes."""

import hashlib
import time
from typing import Any

import httpx2
import pytest
from consent import put_in_force
from faults import KilledError, once
from sharing import ADMIN, Sharing, deals, grant, opened, policy, with_fields
from sqlalchemy import select, update
from world import ALL_KINDS, World

from cleanroom.agent import notices, receive, release, suppress
from cleanroom.agent.disclosed import disclosed
from cleanroom.agent.kept import kept
from cleanroom.agent.notices import Match
from cleanroom.agent.session import Agent
from cleanroom.agent.vault import Vault
from cleanroom.agent.verified import verified
from cleanroom.agent.viewing import Viewer
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Form, Role
from cleanroom.messages.notices import Wish
from cleanroom.messages.releases import ReleaseRefused
from cleanroom.policy.model import Policy, Rule
from escrow.consent_tables import ReleaseBatch

FULL = grant("full", Form.FULL, "account_name", "stage", "currency")
REDUCED = grant("reduced", Form.REDUCED, "amount", "owner", "owner_email", "close_date", "account_website")


def plain(*rules: Rule) -> Any:  # noqa: ANN401 - what `opened` takes
    def made(agent: Agent) -> Policy:
        return policy(agent, *rules)

    return made


def room_of(
    world: World, *, mine: tuple[int, int] = (0, 4), theirs: tuple[int, int] = (2, 8), **fields: str
) -> Sharing:
    """Acme shows some fields in full and some reduced, Globex stages alone."""
    ours, others = deals(*mine, prefix="a", **fields), deals(*theirs, prefix="g")
    stage = plain(grant("stage", Form.FULL, "stage"))
    return world.once(
        (mine, theirs, fields), lambda: opened(world, ours, others, acme=plain(FULL, REDUCED), globex=stage)
    )


def push(room: Sharing, agent: Agent, rows: list[dict[str, str]]) -> None:
    room.world.put_list(agent, room.room, with_fields(rows))


def the_match(room: Sharing, agent: Agent, number: int = 0) -> Match:
    found = verified(agent, room.view(agent))[number]
    return Match(epoch=found.epoch, mine=found.mine, theirs=found.theirs)


# ---- forms


def test_each_side_sees_what_both_policies_give_and_nothing_else(world: World) -> None:
    room = room_of(world)
    room.settle()
    seen, back = room.shared(room.globex), room.shared(room.acme)
    assert [row.account_id for row in seen.rows] == ["g\x1f00002", "g\x1f00003"]
    first = {name: (str(item.form), item.value) for name, item in seen.rows[0].fields.items()}
    website = first.pop("account_website")
    assert first == {
        "account_name": ("full", "Company 2 a"),
        "owner": ("reduced", "A. E."),
        "owner_email": ("reduced", "acme.example"),
        "stage": ("full", "open"),
        "amount": ("reduced", "EUR 50,000-250,000"),
        "currency": ("full", "EUR"),
        "close_date": ("reduced", "2026-Q2"),
    }
    assert website[0] == "reduced"
    assert {tuple(row.fields) for row in back.rows} == {("stage",)}
    assert {(row.tier, row.state, row.evidence) for row in seen.rows} == {("certain", "shown", ())}
    query = select(ReleaseBatch.data).where(ReleaseBatch.room == room.room)
    stored = world.database.read(lambda session: list(session.scalars(query)))
    assert stored
    for needle in (b"Company 2", b"Ann Example", b"acme.example"):
        assert all(needle not in data for data in stored)


def test_hashes_are_the_owners_per_room(world: World) -> None:
    values = []
    for theirs in ((2, 8), (2, 9)):
        room = room_of(world, theirs=theirs)
        room.settle()
        values.append(room.table(room.globex)["account_website"].tolist())
    assert set(values[0]).isdisjoint(values[1])
    assert len(set(values[0])) == 2


def test_existence_alone_is_released_where_no_field_is_allowed(world: World) -> None:
    room = opened(world, deals(0, 3, prefix="a"), deals(1, 5, prefix="g"), acme=plain(), globex=plain())
    room.settle()
    assert [dict(row.fields) for row in room.shared(room.globex).rows] == [{}, {}]
    journal = disclosed(room.acme, room.room)
    assert journal["field"].tolist() == ["account"] * 2


def test_only_accounts_that_hold_the_proven_key_are_shown(world: World) -> None:
    known = deals(2, 3, prefix="a")[0]
    # The same entry by its DUNS number, with a website that the other side does not have.
    both = {**known, "account_id": "a\x1fb", "name": "Subsidiary", "website": "elsewhere.com", "lei": ""}
    both["duns"] = "15-048-3782"
    mine = [{**known, "duns": "15-048-3782"}, both, *deals(3, 6, prefix="a")]
    room = opened(world, mine, deals(2, 8, prefix="g"), acme=plain(FULL), globex=plain())
    room.settle()
    assert "Subsidiary" not in room.table(room.globex)["account_name"].tolist()
    assert "Company 2 a" in room.table(room.globex)["account_name"].tolist()


def test_an_entry_that_matches_twice_stands_beside_each_with_the_accounts_that_hold_its_key(world: World) -> None:
    known = deals(2, 3, prefix="a")[0]
    twin = {**known, "account_id": "a\x1fb", "name": "Twin"}  # one entry: the same website
    other = {**known, "account_id": "g\x1fb", "name": "Twin", "website": "", "lei": ""}
    mine, theirs = [known, twin, *deals(3, 6, prefix="a")], [*deals(2, 8, prefix="g"), other]
    room = opened(world, mine, theirs, acme=plain(FULL), globex=plain(FULL), kinds=ALL_KINDS)
    room.settle()
    seen = {(row.account, row.fields["account_name"].value) for row in room.shared(room.acme).rows}
    told = {(row.fields["account_name"].value, row.account) for row in room.shared(room.globex).rows}
    pairs = {("Company 2 a", "Company 2 g"), ("Twin", "Company 2 g"), ("Twin", "Twin")}
    assert seen == told == pairs | {(f"Company {i} a", f"Company {i} g") for i in (3, 4, 5)}


def test_one_match_of_an_entry_may_change_alone(world: World) -> None:
    """The journal of the others says nothing of it."""
    known = {**deals(2, 3, prefix="a")[0], "duns": "15-048-3782"}
    twin = {**known, "account_id": "a\x1fb", "name": "Twin", "website": "elsewhere.com"}  # one entry: the same DUNS
    theirs = [*deals(2, 8, prefix="g"), *deals(9, 10, prefix="g", website="elsewhere.com")]
    room = opened(world, [known, twin, *deals(3, 6, prefix="a")], theirs, acme=plain(FULL), globex=plain(FULL))
    room.settle()
    push(room, room.acme, [{**known, "stage": "won"}, twin, *deals(3, 6, prefix="a")])
    room.settle()
    assert [chain[-1].number for chain in room.view(room.acme).releases.values()] == [2, 1]
    assert not disclosed(room.acme, room.room)["withdrawn"].any()
    assert set(room.table(room.globex)["state"]) == {"shown"}


def test_nothing_is_sent_twice_and_nothing_before_both_have_sent(world: World) -> None:
    room = room_of(world)
    room.share(room.acme)
    assert room.view(room.globex).releases[room.acme.me] == ()
    assert not disclosed(room.acme, room.room)["handed_over"].any()
    room.settle()
    assert room.share(room.acme) == room.share(room.globex) == []
    assert [len(chain) for chain in room.view(room.acme).releases.values()] == [1, 1]
    assert disclosed(room.acme, room.room)["handed_over"].all()


# ---- changes


def test_a_changed_field_is_released_again_and_no_other(world: World) -> None:
    room = room_of(world)
    room.settle()
    rows = deals(0, 4, prefix="a")
    rows[2]["stage"] = "won"
    push(room, room.acme, rows)
    room.settle()
    assert room.table(room.globex)["stage"].tolist() == ["won", "open"]
    newest = room.view(room.acme).releases[room.acme.me][-1]
    assert newest.number == 2
    stages = disclosed(room.acme, room.room).query("field == 'stage'")
    assert stages["release"].tolist() == [1, 1, 2]
    assert not stages["withdrawn"].any()


def test_an_emptied_field_and_a_removed_account_are_withdrawn(world: World) -> None:
    room = room_of(world)
    room.settle()
    rows = deals(0, 3, prefix="a")
    rows[2]["stage"] = ""
    push(room, room.acme, rows)
    room.settle()
    first, second = room.shared(room.globex).rows
    assert first.fields["stage"].value == ""
    assert first.fields["stage"].withdrawn
    assert second.state == "withdrawn"
    assert f"stage withdrawn by Acme on {world.clock():%Y-%m-%d}" in room.table(room.globex)["withdrawn"][0]
    values = kept(room.globex, room.room).fields
    assert set(values["value"][values["withdrawn"] != ""]) == {""}
    journal = disclosed(room.acme, room.room)
    assert journal["withdrawn"].ne("").sum() > 7


def test_a_narrowed_policy_withdraws_at_once_and_is_said_on_both_sides(world: World) -> None:
    room = room_of(world)
    room.settle()
    room.enforce(room.acme, FULL)
    # Before anything new is released: what is shown goes by the policies in force.
    assert "amount" not in room.shared(room.globex).fields
    room.share(room.globex)
    fields = kept(room.globex, room.room).fields
    assert set(fields["value"][fields["field"] == "amount"]) == {""}
    room.settle()
    table = room.table(room.globex)
    assert table["account_name"].tolist() == ["Company 2 a", "Company 3 a"]
    assert all("amount withdrawn by Acme" in text for text in table["withdrawn"])
    journal = disclosed(room.acme, room.room)
    amounts = journal[journal["field"] == "amount"]
    assert amounts["withdrawn"].all()
    assert amounts["handed_over"].all()


def test_a_widened_policy_releases_everything_again(world: World) -> None:
    room = room_of(world)
    room.settle()
    room.enforce(room.acme, FULL, REDUCED, grant("notes", Form.FULL, "notes"))
    assert room.shared(room.globex).fields  # what was received stays as long as the policies give it
    room.settle()
    assert room.table(room.globex)["notes"].tolist() == ["call back"] * 2
    assert room.table(room.globex)["their_policy"].tolist() == ["v2"] * 2


def test_a_policy_that_changes_between_sealing_and_handover_withholds_what_was_sealed(world: World) -> None:
    room = room_of(world)
    room.share(room.acme)
    room.enforce(room.globex, grant("stage", Form.FULL, "stage", "region"))
    room.share(room.globex)
    assert room.view(room.globex).releases[room.acme.me] == ()
    room.settle()
    assert len(room.table(room.globex)) == 2
    assert room.view(room.globex).releases[room.acme.me][0].number == 2


# ---- crashes


@pytest.mark.parametrize(("at", "when"), [(0, "request"), (2, "response")])  # the document; its batch
def test_a_kill_at_any_request_sends_the_same_bytes_again(world: World, at: int, when: str) -> None:
    room = room_of(world)
    view, sent = room.view(room.acme), []
    line = world.lines["Acme"]
    fault = once(at, when, KilledError("killed"))

    def noted(moment: str, request: httpx2.Request) -> None:
        if (moment, request.method) == ("request", "PUT") and "/batches/" in request.url.path:
            sent.append(hashlib.sha256(request.content).hexdigest())

    def watched(moment: str, request: httpx2.Request) -> None:
        noted(moment, request)
        fault(moment, request)

    line.fault = watched
    with pytest.raises(KilledError):
        release.release(room.acme, view)
    assert disclosed(room.acme, room.room).empty
    line.fault = noted
    room.settle()
    line.fault = None
    assert len(set(sent)) == 1
    assert len(room.table(room.globex)) == 2
    assert len(room.view(room.acme).releases[room.acme.me]) == 1
    assert disclosed(room.acme, room.room)["release"].unique().tolist() == [1]


@pytest.mark.soak
def test_a_kill_at_any_write_loses_and_doubles_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    room = room_of(world)
    honest, killed = Vault.put, 0
    for number in range(40):
        writes = 0

        def put(vault: Vault, address: str, value: bytes, number: int = number) -> None:
            nonlocal writes
            if vault is room.acme.vault:
                writes += 1
                if writes == number + 1:
                    raise KilledError
            honest(vault, address, value)

        with monkeypatch.context() as patch:
            patch.setattr(Vault, "put", put)
            try:
                release.release(room.acme, room.view(room.acme))
            except KilledError:
                killed += 1
                continue
            break
    assert killed > 5
    room.settle()
    assert len(room.view(room.acme).releases[room.acme.me]) == 1
    assert len(room.table(room.globex)) == 2
    journal = disclosed(room.acme, room.room)
    assert len(journal) == len(journal.drop_duplicates(["account_id", "field", "release"]))


def test_what_was_sealed_before_a_suppression_or_a_dispute_is_never_sent(world: World) -> None:
    room = room_of(world)
    view = room.view(room.acme)
    world.lines["Acme"].fault = once(0, "request", KilledError("killed"))
    with pytest.raises(KilledError):
        release.release(room.acme, view)
    world.lines["Acme"].fault = None
    suppress.suppress(room.acme, ["a\x1f00002"], "")
    release.release(room.acme, room.view(room.acme))
    room.share(room.globex)
    assert room.table(room.globex)["account_name"].tolist() == ["Company 3 a"]
    assert set(disclosed(room.acme, room.room)["account_id"]) == {"a\x1f00003"}
    suppress.unsuppress(room.acme, ["a\x1f00002"])


# ---- an escrow or a sender that lies


def tamper(room: Sharing, **values: Any) -> None:  # noqa: ANN401 - columns
    def write(session: Any) -> None:  # noqa: ANN401 - SQLAlchemy's session
        which = (ReleaseBatch.room == room.room, ReleaseBatch.sender == room.acme.me)
        session.execute(update(ReleaseBatch).where(*which).values(**values))

    room.world.database.write(write)


def test_altered_batches_refuse_the_release_and_keep_nothing(world: World) -> None:
    room = room_of(world)
    for agent in (room.acme, room.globex):
        release.release(agent, room.view(agent))
    tamper(room, data=b"x" * 17_520)
    with pytest.raises(ReleaseRefused, match="not the bytes that were signed"):
        receive.receive(room.globex, room.view(room.globex))
    assert kept(room.globex, room.room).matches.empty


def test_a_release_that_the_escrow_hides_is_noticed(world: World) -> None:
    room = room_of(world)
    room.settle()
    for stage in ("won", "lost"):
        push(room, room.acme, deals(0, 4, prefix="a", stage=stage))
        release.release(room.acme, room.view(room.acme))
    view = room.view(room.globex)
    hidden = {**view.releases, room.acme.me: view.releases[room.acme.me][-1:]}
    object.__setattr__(view, "releases", hidden)
    with pytest.raises(ReleaseRefused, match="one before it is not shown"):
        receive.receive(room.globex, view)
    assert receive.receive(room.globex, room.view(room.globex)) == 2


# ---- who looks


def test_roles_lower_and_hide_what_was_sealed_for_others(world: World) -> None:
    manager = grant("manager", Form.FULL, "amount", "currency", "owner", roles=frozenset({Role.PARTNER_MANAGER}))
    seller = grant("seller", Form.REDUCED, "amount", roles=frozenset({Role.SELLER}))
    room = opened(world, deals(0, 4, prefix="a"), deals(2, 8, prefix="g"), acme=plain(manager, seller), globex=plain())
    room.settle()
    by_role = {role: room.shared(room.globex, Viewer(role=role)) for role in Role}
    assert by_role[Role.PARTNER_MANAGER].fields == ("owner", "amount", "currency")
    assert [row.fields["amount"].value for row in by_role[Role.PARTNER_MANAGER].rows] == ["62000.00", "63000.00"]
    assert by_role[Role.SELLER].fields == ("amount",)
    assert {row.fields["amount"].value for row in by_role[Role.SELLER].rows} == {"50,000-250,000"}
    assert by_role[Role.ADMIN].fields == by_role[Role.SECURITY_REVIEWER].fields == ()


def test_a_seller_sees_accounts_of_his_own_only_unless_shared_with_sellers(world: World) -> None:
    theirs = deals(2, 8, prefix="g")
    theirs[0] |= {"owner": "Sam Seller", "owner_email": "sam@globex.example"}
    room = opened(world, deals(0, 4, prefix="a"), theirs, acme=plain(FULL), globex=plain())
    room.settle()
    sam = room.shared(room.globex, Viewer(role=Role.SELLER, name="sam seller"))
    by_mail = room.shared(room.globex, Viewer(role=Role.SELLER, email="SAM@globex.example"))
    assert [row.account_id for row in sam.rows] == [row.account_id for row in by_mail.rows] == ["g\x1f00002"]
    assert room.shared(room.globex, Viewer(role=Role.SELLER)).rows == ()
    assert room.shared(room.globex, Viewer(role=Role.SELLER, name="Sam")).rows == ()
    assert len(room.shared(room.globex, ADMIN).rows) == 2


def test_evidence_is_shown_under_policy_and_the_tier_always(world: World) -> None:
    evidence = grant("evidence", Form.FULL, "match_evidence")
    room = opened(world, deals(0, 4, prefix="a"), deals(2, 8, prefix="g"), acme=plain(evidence), globex=plain())
    room.settle()
    assert {row.evidence for row in room.shared(room.globex).rows} == {("lei", "domain", "name_country")}
    assert {row.evidence for row in room.shared(room.acme).rows} == {()}
    assert {row.tier for row in room.shared(room.acme).rows} == {"certain"}


# ---- words


def test_a_dispute_freezes_both_sides_until_its_author_resolves_it(world: World) -> None:
    room = room_of(world)
    room.settle()
    match = the_match(room, room.globex)
    notices.dispute(room.globex, room.view(room.globex), match, "another company")
    with pytest.raises(InputRefused):
        notices.dispute(room.globex, room.view(room.globex), match, "again")
    room.settle()
    for agent in (room.acme, room.globex):
        assert sorted(row.state for row in room.shared(agent).rows) == ["disputed", "shown"]
    push(room, room.acme, deals(0, 4, prefix="a", stage="won"))
    room.settle()
    assert sorted(room.table(room.globex)["stage"]) == ["open", "won"]
    (heard,) = notices.said(room.acme, room.view(room.acme))
    assert (heard.text, heard.kind, heard.is_open) == ("another company", "dispute", True)
    turned = Match(epoch=match.epoch, mine=match.theirs, theirs=match.mine)
    with pytest.raises(InputRefused):
        notices.resolve(room.acme, room.view(room.acme), turned, "no")
    notices.resolve(room.globex, room.view(room.globex), match, "it is the same after all")
    room.settle()
    assert room.table(room.globex)["stage"].tolist() == ["won", "won"]
    assert {row.state for row in room.shared(room.acme).rows} == {"shown"}
    assert [item.text for item in notices.said(room.globex, room.view(room.globex))] == [
        "another company",
        "it is the same after all",
    ]


@pytest.mark.soak
def test_a_dispute_holds_for_the_same_account_in_the_next_epoch(world: World) -> None:
    room = room_of(world)
    room.settle()
    match = the_match(room, room.globex)
    notices.dispute(room.globex, room.view(room.globex), match, "another company")
    room.settle()
    world.clock.step(days=31)
    push(room, room.acme, deals(0, 4, prefix="a", stage="won"))
    room.settle()
    assert the_match(room, room.globex).epoch == 1
    assert room.view(room.acme).releases[room.acme.me][-1].epoch == 1
    # Nothing of it was released in this epoch; the other one was.
    shown = [row for row in room.shared(room.globex).rows if row.epoch == 1]
    assert [row.fields["stage"].value for row in shown] == ["won"]


def test_a_request_arrives_as_it_was_written(world: World) -> None:
    room = room_of(world)
    wishes = (Wish(field="notes", form=Form.FULL, segments=("customers", "prospects")),)
    notices.request(room.globex, room.view(room.globex), wishes, "We would like to read <notes>")
    (heard,) = notices.said(room.acme, room.view(room.acme))
    assert (heard.text, heard.wishes, heard.kind) == ("We would like to read <notes>", wishes, "request")
    with pytest.raises(InputRefused):
        notices.request(
            room.globex, room.view(room.globex), (Wish(field="nothing", form=Form.FULL, segments=None),), ""
        )
    with pytest.raises(InputRefused):
        notices.request(room.globex, room.view(room.globex), (), "x" * 4_001)


def test_a_notice_survives_a_kill_and_is_sent_once(world: World) -> None:
    room = room_of(world)
    for when in ("request", "response"):
        view = room.view(room.globex)
        world.lines["Globex"].fault = once(0, when, KilledError("killed"))
        with pytest.raises(KilledError):
            notices.request(room.globex, view, (), when)
        world.lines["Globex"].fault = None
        notices.learn(room.globex, room.view(room.globex))
    assert [item.text for item in notices.said(room.globex, room.view(room.globex))] == ["request", "response"]


# ---- suppression


def test_a_suppressed_account_is_withdrawn_and_never_committed_again(world: World) -> None:
    room = room_of(world)
    room.settle()
    assert not suppress.must_wait(room.acme, room.view(room.acme))
    assert suppress.suppress(room.acme, ["company 2 A"], "a competitor of theirs") == ("a\x1f00002",)
    assert suppress.must_wait(room.acme, room.view(room.acme))
    room.share(room.acme), room.share(room.globex)
    assert sorted(row.state for row in room.shared(room.globex).rows) == ["shown", "withdrawn"]
    push(room, room.acme, deals(0, 4, prefix="a"))
    room.settle()
    assert sorted(row.state for row in room.shared(room.globex).rows) == ["shown", "withdrawn"]
    assert suppress.unsuppress(room.acme, ["Company 2 a"]) == ("a\x1f00002",)
    for unknown in ("nobody", "a\x1f99999"):
        with pytest.raises(InputRefused):
            suppress.suppress(room.acme, [unknown], "")
        with pytest.raises(InputRefused):
            suppress.unsuppress(room.acme, [unknown])


def test_an_account_suppressed_before_the_first_commit_is_not_matched(world: World) -> None:
    room_id = world.room(world.agents["Acme"], world.agents["Globex"])
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    world.put_list(acme, room_id, with_fields(deals(0, 4, prefix="s")))
    world.put_list(globex, room_id, with_fields(deals(2, 8, prefix="g")))
    suppress.suppress(acme, ["s\x1f00002"], "")
    world.settle(acme, globex, room=room_id)
    for agent in (acme, globex):
        put_in_force(agent, room_id, policy(agent, FULL))
    room = Sharing(world, acme, globex, room_id)
    room.settle()
    assert room.table(globex)["account_name"].tolist() == ["Company 3 s"]
    assert not suppress.must_wait(acme, room.view(acme))
    suppress.unsuppress(acme, ["s\x1f00002"])


@pytest.mark.soak
def test_two_thousand_matches_in_several_batches(world: World) -> None:
    room = room_of(world, mine=(0, 2_000), theirs=(0, 2_000))
    begun = time.perf_counter()
    room.share(room.acme), room.share(room.globex), room.share(room.acme)
    assert time.perf_counter() - begun < 60
    assert len(room.table(room.globex)) == len(room.table(room.acme)) == 2_000
    assert len(room.view(room.acme).releases[room.acme.me][0].batches) == 2
