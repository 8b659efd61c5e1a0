"""The people of this partner: added, removed and given roles by admins, each with a key of their own.

The vault keeps names and, where wanted, sealed private keys (`users/{id}`), and every version of the roster as it was
signed (`users/roster/{version}`). A version is stored before it is sent; what a crash left unsent goes out first next
time, and what the escrow refuses is taken back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import SealedKey, UserKeyRefused, UserSession, new_key
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.errors import InputRefused, NotPossibleNow
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Role
from cleanroom.messages.documents import Bytes32, Number, Title, Wire, instant, read_document
from cleanroom.messages.signing import SignedDocument
from cleanroom.messages.users import Roster, RosterUser, user_id_of

ROSTERS: Final = "users/roster/"
PUBLISHED: Final = "users/published"
_REFUSED: Final = frozenset({409, 422})


class UserRefused(InputRefused):
    """A user cannot be added, removed or changed like this; the message says why."""

    code = "user_refused"


class UnknownUser(InputRefused):
    """This partner has no user, or several, of that name or id."""

    code = "unknown_user"


class NotAnAdmin(NotPossibleNow):
    """Only an admin of this partner changes its users."""

    code = "not_an_admin"


class UserRecord(Wire):
    """A user as the vault knows it. `key` is None where the private key is in a file elsewhere."""

    name: Title
    public_key: Bytes32
    key: SealedKey | None


class Published(Wire):
    """The newest version of the roster that the escrow has taken."""

    version: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of this partner. `key_here`: the sealed private key is in this vault."""

    id: str
    name: str
    role: Role
    public_key: bytes
    key_here: bool


def users(agent: Agent) -> tuple[User, ...]:
    """All users of this partner, by name."""
    roster = newest_roster(agent)
    found = (_user(agent, entry) for entry in roster.users) if roster else ()
    return tuple(sorted(found, key=lambda user: (user.name.casefold(), user.id)))


def newest_roster(agent: Agent) -> Roster | None:
    """The newest version of this partner's roster."""
    signed = _newest(agent)
    return read_document(Roster, signed.document) if signed else None


def add(  # noqa: PLR0913 - who, as what, with which key, by whom
    agent: Agent,
    name: str,
    role: Role,
    *,
    passphrase: Secret[str] | None = None,
    public_key: bytes | None = None,
    by: UserSession | None = None,
    kdf_cost: KdfCost | None = None,
) -> User:
    """Add a user: with a new key under `passphrase`, or with the public key of a key file elsewhere.

    `by` is an admin; the first user, who must be one, is added by nobody. `kdf_cost` is for tests.

    Raises:
        UserRefused: the name is taken or cannot be one, the first user is no admin, or the key is a user's already.
        NotAnAdmin: `by` is none.
        PassphraseRefused: the passphrase is too short.
    """
    if (passphrase is None) == (public_key is None):
        raise UserRefused("user: needs either a passphrase for a new key, or the public key of one")
    name = name.strip()
    with agent.locked("users"):
        publish(agent)
        if any(user.name.casefold() == name.casefold() for user in users(agent)):
            raise UserRefused("user: another one has this name")
        sealed = new_key(passphrase, kdf_cost=kdf_cost) if passphrase else None
        key = bytes.fromhex(sealed.public_key) if sealed else public_key or b""
        record = _record(name, key, sealed)
        entry = _entry(key, role)
        _change(agent, by, lambda entries: _with(entries, entry), added={entry.user: record})
    return _user(agent, entry)


def change_role(agent: Agent, which: str, role: Role, *, by: UserSession) -> User:
    """Give a user another role.

    Raises:
        UnknownUser, NotAnAdmin: see there.
        UserRefused: nobody would be an admin any more.
    """
    with agent.locked("users"):
        publish(agent)
        user = find(agent, which)
        entry = _entry(user.public_key, role)
        _change(agent, by, lambda entries: [*(each for each in entries if each.user != user.id), entry])
    return _user(agent, entry)


def remove(agent: Agent, which: str, *, by: UserSession) -> None:
    """Remove a user, and its sealed key from the vault. What the user has signed stays signed.

    Raises:
        UnknownUser, NotAnAdmin: see there.
        UserRefused: nobody would be an admin any more.
    """
    with agent.locked("users"):
        publish(agent)
        user = find(agent, which)
        _change(agent, by, lambda entries: [each for each in entries if each.user != user.id])
        agent.vault.delete(_address(user.id))


def find(agent: Agent, which: str) -> User:
    """The user of that name (case does not matter), id, or beginning of an id of at least 6 characters.

    Raises:
        UnknownUser: if there is none, or more than one.
    """
    wanted, shortest = which.strip().casefold(), 6
    found = [
        user
        for user in users(agent)
        if user.name.casefold() == wanted or (len(wanted) >= shortest and user.id.startswith(wanted))
    ]
    if len(found) != 1:
        raise UnknownUser("no user, or more than one, has that name or id; see `cleanroom user list`")
    return found[0]


def unlock(agent: Agent, which: str, passphrase: Secret[str]) -> UserSession:
    """A user of this partner whose key is in the vault.

    Raises:
        UnknownUser: if there is none of that name.
        UserKeyRefused: if the key is in a file elsewhere.
        WrongPassphrase: if the passphrase does not open it.
    """
    user = find(agent, which)
    record = agent.load(UserRecord, _address(user.id))
    if record is None or record.key is None:
        raise UserKeyRefused("user key: it is in a key file, not in this vault")
    return UserSession.of(record.key, passphrase, name=user.name, role=user.role)


def publish(agent: Agent) -> None:
    """Send what a crash left unsent. A version that the escrow refuses is taken back.

    Raises:
        EscrowProblem: if the escrow refuses it.
    """
    known = agent.load(Published, PUBLISHED)
    for version, signed in _versions(agent):
        if known is not None and version <= known.version:
            continue
        try:
            agent.escrow.put_roster(agent.me, version, signed)
        except EscrowProblem as problem:
            if problem.status in _REFUSED:
                _take_back(agent, version, signed)
            raise
        agent.save(PUBLISHED, Published(version=version))


def _change(
    agent: Agent,
    by: UserSession | None,
    changed: Callable[[tuple[RosterUser, ...]], list[RosterUser]],
    *,
    added: dict[str, UserRecord] | None = None,
) -> None:
    before = newest_roster(agent)
    _require_admin(before, by)
    entries = sorted(changed(before.users if before else ()), key=lambda entry: entry.user)
    try:
        roster = Roster(
            partner=agent.me,
            version=before.version + 1 if before else 1,
            previous=before.digest() if before else "",
            users=tuple(entries),
            created=instant(agent.clock()),
        )
    except ValidationError:
        raise UserRefused("users: at least one must be an admin, and at most 500 can be") from None
    signatures = [agent.signature(roster.type, roster.text())]
    signatures += [by.signature(roster.type, roster.text())] if by and before else []
    signed = SignedDocument(document=roster.text(), signatures=tuple(signatures))
    with agent.vault.transaction():
        agent.save(f"{ROSTERS}{roster.version}", signed)
        for user, record in (added or {}).items():
            agent.save(_address(user), record)
    publish(agent)


def _require_admin(before: Roster | None, by: UserSession | None) -> None:
    if before is None:
        return
    entry = before.user(by.id) if by else None
    if entry is None or entry.role is not Role.ADMIN:
        raise NotAnAdmin("users: an admin of this partner has to unlock their key for this")


def _with(entries: tuple[RosterUser, ...], entry: RosterUser) -> list[RosterUser]:
    if any(each.user == entry.user for each in entries):
        raise UserRefused("user: another one has this key")
    return [*entries, entry]


def _entry(key: bytes, role: Role) -> RosterUser:
    try:
        return RosterUser(user=user_id_of(key), role=role, key=key.hex())
    except ValidationError:
        raise UserRefused("user: the public key is no Ed25519 key that binds anybody") from None


def _record(name: str, key: bytes, sealed: SealedKey | None) -> UserRecord:
    try:
        return UserRecord(name=name, public_key=key.hex(), key=sealed)
    except ValidationError:
        raise UserRefused("user: a name of 1 to 200 characters, and a public key of 32 bytes") from None


def _user(agent: Agent, entry: RosterUser) -> User:
    record = agent.load(UserRecord, _address(entry.user))
    return User(
        id=entry.user,
        name=record.name if record else entry.user[:8],
        role=entry.role,
        public_key=bytes.fromhex(entry.key),
        key_here=record is not None and record.key is not None,
    )


def _versions(agent: Agent) -> Iterator[tuple[int, SignedDocument]]:
    numbers = sorted(int(address.removeprefix(ROSTERS)) for address in agent.vault.addresses(ROSTERS))
    for number in numbers:
        signed = agent.load(SignedDocument, f"{ROSTERS}{number}")
        if signed is not None:
            yield number, signed


def _newest(agent: Agent) -> SignedDocument | None:
    return next((signed for _, signed in reversed(list(_versions(agent)))), None)


def _take_back(agent: Agent, version: int, signed: SignedDocument) -> None:
    """Forget a version that the escrow has refused, and whoever was only in it."""
    before = agent.load(SignedDocument, f"{ROSTERS}{version - 1}")
    kept = {entry.user for entry in read_document(Roster, before.document).users} if before else set()
    with agent.vault.transaction():
        agent.vault.delete(f"{ROSTERS}{version}")
        for entry in read_document(Roster, signed.document).users:
            if entry.user not in kept:
                agent.vault.delete(_address(entry.user))


def _address(user: str) -> str:
    return f"users/{user}"
