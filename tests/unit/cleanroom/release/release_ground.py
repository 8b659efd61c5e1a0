"""A room's policies, matches and payloads for tests of releases: Ana sends, Bo receives."""

from datetime import UTC, datetime
from typing import Any

from cleanroom.agent.release_checks import Expected
from cleanroom.agent.verified import VerifiedMatch
from cleanroom.domain.fields import ACCOUNT, DEFAULT_CATALOGUE, FieldClass
from cleanroom.domain.vocabulary import Form, PartnerId, Purpose, Tier
from cleanroom.messages.releases import Payload, Release
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Effect, Ground, Policy, Rule

ANA, BO = PartnerId("a" * 32), PartnerId("b" * 32)
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
GROUND = Ground(catalogue=DEFAULT_CATALOGUE, segments=("customers", "prospects"))
KEY, SALT = "11" * 32, "22" * 32


def policy(owner: PartnerId, forms: dict[str, Form], accepts: dict[str, Form] | None = None) -> Policy:
    rules = [Rule(id="known", effect=Effect.GRANT, fields=frozenset({ACCOUNT}), form=Form.EXISTS)]
    rules += [
        Rule(id=f"r-{name}", effect=Effect.GRANT, fields=frozenset({name}), form=form) for name, form in forms.items()
    ]
    everything: dict[str, Form] = {ACCOUNT: Form.EXISTS, **{str(entry): Form.FULL for entry in FieldClass}}
    return Policy(owner=owner, rules=tuple(rules), accepts=everything if accepts is None else accepts)


def sides(accepts: dict[str, Form] | None = None, **forms: Form) -> Sides:
    """What Ana shows to Bo."""
    return Sides(
        owner=policy(ANA, forms),
        recipient=policy(BO, {}, accepts),
        owner_id=ANA,
        recipient_id=BO,
        ground=GROUND,
        use=Purpose.CO_SELL,
    )


def match(number: int, *, of: PartnerId = BO, kinds: frozenset[int] = frozenset({3})) -> VerifiedMatch:
    """Match `number`, as that partner has verified it."""
    ana, bo = bytes([number]) * 16, bytes([100 + number]) * 16
    mine, theirs = (bo, ana) if of == BO else (ana, bo)
    return VerifiedMatch(
        epoch=0,
        round=1,
        mine=mine,
        theirs=theirs,
        my_segment=0,
        their_segment=0,
        kinds=kinds,
        differ=frozenset(),
        their_kinds=kinds,
        tier=Tier.CERTAIN,
        keys=frozenset({(3, f"company{number}.com")}),
    )


def expected(shown: Sides, *numbers: int) -> Expected:
    return Expected.of([match(number) for number in numbers], shown, NOW)


def released(number: int, *accounts: dict[str, tuple[str, str]], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any member
    """One match of a payload, fields as name -> (form, value)."""
    return {
        "sender": (bytes([number]) * 16).hex(),
        "recipient": (bytes([100 + number]) * 16).hex(),
        "accounts": [
            {"fields": {name: {"form": form, "value": value} for name, (form, value) in account.items()}}
            for account in accounts
        ],
        **changes,
    }


def payload(*matches: dict[str, Any], key: str = KEY) -> Payload:
    return Payload.model_validate({"hash_key": key, "matches": list(matches), "salt": SALT})


def document(**changes: Any) -> Release:  # noqa: ANN401 - any field
    fields = {
        "room": "c" * 32,
        "terms": "d" * 64,
        "epoch": 0,
        "number": 1,
        "previous": "",
        "round": 1,
        "sender": ANA,
        "recipient": BO,
        "sender_policy": "e" * 64,
        "recipient_policy": "f" * 64,
        "batches": [],
        "matches": 0,
        "records": "a" * 64,
        "log_size": 7,
        "log_root": "b" * 64,
        "created": "2026-03-01T09:00:00Z",
    }
    return Release.model_validate({**fields, **changes})
