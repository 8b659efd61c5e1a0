"""Opening a home, making one (P1), and keeping copies of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cleanroom.agent.client import EscrowClient
from cleanroom.agent.keys import PrivateIdentity
from cleanroom.agent.progress import Progress
from cleanroom.agent.session import CONFIG, VAULT_FILE, Agent, Config, sign_document
from cleanroom.agent.tables import load_tables
from cleanroom.agent.transport import Retries, Transport
from cleanroom.agent.vault import Vault
from cleanroom.domain.clock import Clock
from cleanroom.domain.errors import InputRefused, NotPossibleNow
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import PartnerKind
from cleanroom.messages.api import EnrolRequest
from cleanroom.messages.documents import instant
from cleanroom.messages.invites import Invite
from cleanroom.messages.rooms import Enrolment
from cleanroom.messages.signing import SignedDocument

ENROLMENT = "enrolment"


class AlreadyEnrolled(NotPossibleNow):
    """The home belongs to a partner already."""

    code = "already_enrolled"


class NotEnrolled(NotPossibleNow):
    """The home's enrolment was never finished."""

    code = "not_enrolled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """How a new partner presents itself; None takes what the invite says."""

    name: str | None = None
    kind: PartnerKind | None = None


@contextmanager
def open_agent(
    home: Path,
    passphrase: Secret[str],
    *,
    clock: Clock,
    progress: Progress | None = None,
    retries: Retries | None = None,
) -> Iterator[Agent]:
    """The agent of a home, with its vault open and a connection to its escrow at hand (tried for `retries`).

    Raises:
        VaultMissing, WrongPassphrase, VaultDamaged, NotEnrolled.
    """
    with Vault.open(home / VAULT_FILE, passphrase) as vault:
        data = vault.get(CONFIG)
        if data is None:
            raise NotEnrolled("this home is not enrolled; run `cleanroom init` again with the invite")
        config, identity = Config.model_validate_json(data), PrivateIdentity.load(vault)
        with _transport(config, identity, clock, retries) as transport:
            yield Agent(
                home=home,
                config=config,
                vault=vault,
                identity=identity,
                escrow=EscrowClient(transport),
                tables=load_tables(),
                clock=clock,
                progress=progress or Progress(),
            )


def enrol(
    home: Path, passphrase: Secret[str], invite: Invite, introduction: Introduction, *, clock: Clock
) -> PrivateIdentity:
    """Make keys and a vault in `home`, and register with the escrow that the invite pins.

    If the escrow could not be reached, the same call again goes on with the same keys.

    Raises:
        AlreadyEnrolled: if the home was enrolled before.
        InputRefused: if neither the invite nor the introduction gives a name.
        EscrowProblem: if the escrow refuses the invite.
    """
    path = home / VAULT_FILE
    exists = path.exists()
    with Vault.open(path, passphrase) if exists else Vault.create(path, passphrase) as vault:
        if vault.get(CONFIG) is not None:
            raise AlreadyEnrolled("this home is enrolled already; choose another folder with --home")
        pending = vault.get(ENROLMENT)
        if pending is None:
            identity, signed = _introduce(vault, invite, introduction, clock)
        else:
            identity, signed = PrivateIdentity.load(vault), SignedDocument.model_validate_json(pending)
        enrolment = Enrolment.model_validate_json(signed.document)
        config = Config(name=enrolment.name, kind=enrolment.kind, url=invite.url, escrow_key=invite.escrow_key)
        with _transport(config, identity, clock) as transport:
            request = EnrolRequest(invite=invite.secret, enrolment=signed)
            EscrowClient(transport).enrol(identity.public().partner_id, request)
        with vault.transaction():
            vault.put(CONFIG, config.model_dump_json().encode())
            vault.delete(ENROLMENT)
        return identity


def _introduce(
    vault: Vault, invite: Invite, introduction: Introduction, clock: Clock
) -> tuple[PrivateIdentity, SignedDocument]:
    from_invite = (invite.name, invite.kind)
    name, kind = introduction.name or from_invite[0], introduction.kind or from_invite[1]
    if not name or kind is None:
        raise InputRefused("the invite leaves it to you: say --name and --kind")
    identity = PrivateIdentity.generate()
    public = identity.public()
    enrolment = Enrolment(
        name=name,
        kind=kind,
        identity_key=public.identity_key.hex(),
        sealing_key=public.sealing_key.hex(),
        escrow_key=invite.escrow_key,
        created=instant(clock()),
    )
    signed = sign_document(identity, enrolment)
    with vault.transaction():
        identity.store(vault)
        vault.put(ENROLMENT, signed.model_dump_json().encode())
    return identity, signed


def _transport(config: Config, identity: PrivateIdentity, clock: Clock, retries: Retries | None = None) -> Transport:
    key = bytes.fromhex(config.escrow_key)
    return Transport(config.url, identity=identity, escrow_key=key, clock=clock, retries=retries)
