"""Documents of P1 and P2: who takes part, on which terms, with which keys."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from cleanroom.domain.fields import Field as CatalogueEntry
from cleanroom.domain.fields import FieldClass, FieldType, Reduction
from cleanroom.domain.vocabulary import ChangeMode, CountingMode, Form, Kind, PartnerId, PartnerKind, Purpose, Tier
from cleanroom.messages.documents import (
    Bytes32,
    Bytes64,
    Count,
    DigestText,
    Document,
    DocumentRefused,
    Instant,
    Label,
    Number,
    PartnerName,
    RoomName,
    SealingKeyText,
    Title,
    Version,
    Wire,
    as_tuple,
    moment,
)
from matching.rule import CERTAIN, LIKELY

_NUMBERS: Final = {Tier.CERTAIN: CERTAIN, Tier.LIKELY: LIKELY}


class Enrolment(Document):
    """A partner introduces its keys. Signed with the identity key, which thereby vouches for the sealing key."""

    type: Literal["enrolment/1"] = "enrolment/1"
    name: Title
    kind: PartnerKind = Field(strict=False)
    identity_key: Bytes32
    sealing_key: SealingKeyText
    escrow_key: Bytes32
    created: Instant


class Member(Wire):
    """A partner as the terms name it: the keys that the others have compared."""

    partner: PartnerName
    name: Title
    identity_key: Bytes32
    sealing_key: SealingKeyText


class KindRecipe(Wire):
    """A kind of match key that counts, with the versions that make two agents agree on its bytes."""

    kind: Kind = Field(strict=False)
    normaliser: Version
    tables: Version


class CurrencyBands(Wire):
    """The edges of a field's bands in one currency; `""` stands for every currency that is not named."""

    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")]
    edges: Annotated[tuple[Count, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=50)]


class CatalogueField(Wire):
    """A field that policies may speak of, with its one reduced form and the highest form that the room allows."""

    name: Label
    type: FieldType = Field(strict=False)
    field_class: FieldClass = Field(strict=False)
    reduced: Reduction = Field(strict=False)
    bands: Annotated[tuple[CurrencyBands, ...], BeforeValidator(as_tuple), Field(max_length=200)]
    ceiling: Form = Field(strict=False)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.field()
        return self

    def field(self) -> CatalogueEntry:
        """The field as the domain knows it. Raises ValueError for one that cannot be."""
        return CatalogueEntry(
            name=self.name,
            type=self.type,
            field_class=self.field_class,
            reduced=self.reduced,
            bands=tuple((band.currency, band.edges) for band in self.bands),
            ceiling=self.ceiling,
        )

    @classmethod
    def of(cls, field: CatalogueEntry) -> Self:
        """The field as the terms name it."""
        return cls(
            name=field.name,
            type=field.type,
            field_class=field.field_class,
            reduced=field.reduced,
            bands=tuple(CurrencyBands(currency=currency, edges=edges) for currency, edges in field.bands),
            ceiling=field.ceiling,
        )


class CountingRule(Wire):
    """The rule by which counts leave the escrow. `floor` is of the exact mode."""

    mode: CountingMode = Field(strict=False)
    floor: Annotated[int, Field(ge=1, le=1_000_000)]


class CappedCounting(CountingRule):
    """`caps`: answers are paid for from the budgets of docs/privacy.md; or none are, for demos and benches."""

    caps: Literal["budget", "unsafe_none"]

    @model_validator(mode="after")
    def _budgeted(self) -> Self:
        if self.caps == "unsafe_none" and self.mode is not CountingMode.EXACT:
            raise ValueError("noise without a budget is averaged away")
        return self


class NewTokens(Wire):
    """What of a list is new: tokens that a later batch of an epoch brought.

    They count from the next epoch, or from the next answer on; their matches are opened after so many hours, and once
    the list has been committed so often with them in it.
    """

    count_from: Literal["next_epoch", "next_answer"]
    open_after_hours: Annotated[int, Field(ge=0, le=8_760)]
    open_after_snapshots: Annotated[int, Field(ge=1, le=100)]


class ListLimits(Wire):
    """What a list may do before the other side's agent stops evaluating it (docs/privacy.md, "Guessing").

    `distinct_percent` of the declared entries is how many new keys of each kind it evaluates in 30 days.
    A week's growth beyond the larger of `growth_entries` and `growth_percent`, or a churn of more than
    `churn_percent` in 30 days, waits for the other side's consent.
    """

    distinct_percent: Annotated[int, Field(ge=100, le=1_000_000)]
    growth_entries: Annotated[int, Field(ge=1, le=100_000_000)]
    growth_percent: Annotated[int, Field(ge=1, le=1_000_000)]
    churn_percent: Annotated[int, Field(ge=1, le=1_000_000)]


TierName = Annotated[Tier, Field(strict=False)]

AnswerInterval = Annotated[int, Field(ge=60, le=366 * 86_400)] | Literal["unsafe_every_push"]


class AnyTerms(Document):
    """What terms of every type say."""

    room: RoomName
    version: Number
    previous: DigestText | Literal[""]
    escrow_key: Bytes32
    title: Title
    purpose: Title
    use: Purpose = Field(strict=False)
    members: Annotated[tuple[Member, Member], BeforeValidator(as_tuple)]
    kinds: Annotated[tuple[KindRecipe, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=16)]
    segments: Annotated[tuple[Label, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=16)]
    counting: CountingRule
    minimum_population: Annotated[int, Field(ge=1, le=1_000_000)]
    fields: Annotated[tuple[CatalogueField, ...], BeforeValidator(as_tuple), Field(max_length=200)]
    epoch_days: Annotated[int, Field(ge=1, le=366)]
    answer_interval: AnswerInterval
    changes: ChangeMode = Field(strict=False)
    quota: Annotated[int, Field(ge=1, le=100_000_000)]
    starts: Instant
    expires: Instant

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len({m.partner for m in self.members}) != len(self.members):
            raise ValueError("members are not distinct")
        if len({k.kind for k in self.kinds}) != len(self.kinds):
            raise ValueError("kinds repeat")
        if len(set(self.segments)) != len(self.segments):
            raise ValueError("segments repeat")
        if len({f.name for f in self.fields}) != len(self.fields):
            raise ValueError("fields repeat")
        if moment(self.starts) >= moment(self.expires):
            raise ValueError("the terms expire before they start")
        if (self.version == 1) != (self.previous == ""):
            raise ValueError("only the first version has no previous one")
        return self

    def epoch_at(self, now: datetime, *, fresh: int) -> int:
        """The epoch in force: the periods over since `starts`, and the `fresh` ones that policies began."""
        return fresh + max(0, int((now - moment(self.starts)).total_seconds()) // (self.epoch_days * 86_400))

    @property
    def catalogue(self) -> tuple[CatalogueEntry, ...]:
        """The fields as the domain knows them."""
        return tuple(field.field() for field in self.fields)

    @property
    def kind_names(self) -> tuple[str, ...]:
        """The kinds of match key that count, in order."""
        return tuple(str(recipe.kind) for recipe in self.kinds)

    @property
    def identity_keys(self) -> dict[str, bytes]:
        """By member."""
        return {member.partner: bytes.fromhex(member.identity_key) for member in self.members}

    def other(self, partner: PartnerId) -> Member:
        """The member that is not `partner`."""
        first, second = self.members
        return second if first.partner == partner else first

    def member(self, partner: PartnerId) -> Member:
        """The member that is `partner`.

        Raises:
            DocumentRefused: if it is not a member.
        """
        for candidate in self.members:
            if candidate.partner == partner:
                return candidate
        raise DocumentRefused("Terms: not a member of this room")


class TieredTerms(AnyTerms):
    """Terms that name tiers."""

    rule: Version
    tiers: Annotated[tuple[TierName, ...], BeforeValidator(as_tuple)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if Tier.CERTAIN not in self.tiers or self.tiers != tuple(tier for tier in Tier if tier in self.tiers):
            raise ValueError("tiers are not in their order, repeat, or leave out certain")
        return self

    @property
    def least(self) -> int:
        """The lowest tier that counts, as `matching.rule` numbers it."""
        return min(_NUMBERS[tier] for tier in self.tiers)


class Terms(TieredTerms):
    """What the members of a room agree on. Every member signs the same bytes.

    `declared` is how many entries each member says its list has, in the members' order; `quota` is the hard cap of
    both. `host` is the member that operates the escrow, if one does. `probes` is how many entries that are nobody's
    each agent puts into its list, to see whether the other one evaluates it honestly; they come on top of both sizes.
    """

    type: Literal["terms/4"] = "terms/4"
    counting: CappedCounting
    declared: Annotated[tuple[Number, Number], BeforeValidator(as_tuple)]
    limits: ListLimits
    new_tokens: NewTokens
    host: PartnerName | Literal[""]
    probes: Annotated[int, Field(ge=0, le=1_000)]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if max(self.declared) > self.quota:
            raise ValueError("a declared size is above the quota")
        if self.host and self.host not in self.identity_keys:
            raise ValueError("the host is no member")
        return self

    def declared_by(self, partner: PartnerId) -> int:
        """How many entries a member says its list has."""
        return self.declared[[member.partner for member in self.members].index(partner)]


class EarlierTerms(AnyTerms):
    """Terms of before there were tiers. Nobody works under them; the audit of such a room reads them."""

    type: Literal["terms/2"] = "terms/2"


class UnbudgetedTerms(TieredTerms):
    """Terms of before there were budgets. Nobody works under them; the audit of such a room reads them."""

    type: Literal["terms/3"] = "terms/3"


class Withdrawal(Document):
    """A partner declines a proposal or leaves a room; the escrow then purges what it holds of it."""

    type: Literal["withdrawal/1"] = "withdrawal/1"
    room: RoomName
    partner: PartnerName
    reason: Literal["declined", "left"]
    created: Instant


class EpochKey(Document):
    """`K = k*G` of one partner for one epoch, with a Schnorr proof of knowledge of `k` (docs/protocol.md, P2)."""

    type: Literal["epoch-key/1"] = "epoch-key/1"
    room: RoomName
    terms: DigestText
    epoch: Count
    partner: PartnerName
    key: Bytes32
    proof: Bytes64
