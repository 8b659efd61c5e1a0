"""Two partners with three people each, their terms, policies and records; all keys are from small seeds."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from policymakers import Named, Person, roster_of

from cleanroom.domain.fields import ACCOUNT, DEFAULT_CATALOGUE, FieldClass
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, Form, PartnerId, Role, RoomId
from cleanroom.messages.documents import instant
from cleanroom.messages.identity import partner_id_of
from cleanroom.messages.records import Record
from cleanroom.messages.rooms import CatalogueField, ListLimits
from cleanroom.messages.sealing import SealingKey
from cleanroom.messages.users import Roster
from cleanroom.policy.model import Effect, Policy, Rule, When

BEGINS: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)
ROOM: Final = RoomId("5a" * 16)
CELLS: Final = (("customers", "prospects"), ("prospects", "customers"))


def key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Partner:
    """A member with its people: an admin who writes, a manager who approves."""

    number: int
    name: str

    @property
    def key(self) -> Ed25519PrivateKey:
        return key(self.number)

    @property
    def id(self) -> PartnerId:
        return partner_id_of(self.key.public_key().public_bytes_raw())

    @property
    def signer(self) -> Named:
        return Named(self.id, self.key)

    @property
    def admin(self) -> Person:
        return Person(Role.ADMIN, key(self.number + 10))

    @property
    def manager(self) -> Person:
        return Person(Role.PARTNER_MANAGER, key(self.number + 20))

    @property
    def roster(self) -> Roster:
        return roster_of(self.id, self.admin, self.manager)

    @cached_property
    def sealing_key(self) -> str:
        return SealingKey.from_bytes(Secret(bytes([self.number]) * 96)).public_bytes().hex()


ANA, BO = Partner(1, "Ana"), Partner(2, "Bo")
PARTNERS: Final = (ANA, BO)
ESCROW_KEY: Final = key(3)
ESCROW_PUBLIC: Final = ESCROW_KEY.public_key().public_bytes_raw()


def granting(partner: Partner) -> Policy:
    """Existence in two cells, names in full and amounts in bands, if the other side lets matches exist as well."""
    rules = (
        Rule(
            id="known",
            effect=Effect.GRANT,
            fields=frozenset({ACCOUNT}),
            form=Form.EXISTS,
            when=When(segments=frozenset(CELLS)),
        ),
        Rule(id="names", effect=Effect.GRANT, fields=frozenset({"account_name"}), form=Form.FULL),
        Rule(id="amounts", effect=Effect.GRANT, fields=frozenset({"amount"}), form=Form.REDUCED),
    )
    accepts = {ACCOUNT: Form.EXISTS, **{str(entry): Form.FULL for entry in FieldClass}}
    return Policy(owner=partner.id, rules=rules, accepts=accepts)


def record_shown(partner: Partner, place: int) -> Record:
    handles = {"sender": f"{16 * partner.number + place:032x}", "recipient": f"{256 + place:032x}"}
    accounts = [{"account_name": "full", "amount": "reduced"}] * place  # the first one is a withdrawal
    salt = digest("salt", partner.number, place)[:32]
    return Record.model_validate({"accounts": accounts, "cell": (0, 2), "salt": salt, **handles})


def terms_text(room: str, version: int, previous: str) -> str:
    members = [
        {
            "partner": partner.id,
            "name": partner.name,
            "identity_key": partner.key.public_key().public_bytes_raw().hex(),
            "sealing_key": partner.sealing_key,
        }
        for partner in PARTNERS
    ]
    return json_of(
        room=room,
        version=version,
        previous=previous,
        escrow_key=ESCROW_PUBLIC.hex(),
        title="Ana & Bo",
        purpose="Co-selling",
        use="co_sell",
        members=members,
        kinds=[{"kind": "domain", "normaliser": "1", "tables": "1"}],
        rule="rule/1",
        tiers=["certain", "likely"],
        segments=list(DEFAULT_SEGMENTS),
        counting={"mode": "exact", "floor": 10, "caps": "unsafe_none"},
        declared=[1000, 1000],
        limits=dict.fromkeys(ListLimits.model_fields, 1_000_000),
        new_tokens={"count_from": "next_answer", "open_after_hours": 0, "open_after_snapshots": 1},
        host="",
        probes=0,
        minimum_population=1,
        fields=[CatalogueField.of(entry).model_dump(mode="json") for entry in DEFAULT_CATALOGUE],
        epoch_days=30,
        answer_interval=86_400,
        changes="batched",
        quota=1_000_000,
        starts=instant(BEGINS),
        expires=instant(BEGINS + timedelta(days=365)),
    )


def json_of(**members: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(members)
