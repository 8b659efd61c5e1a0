"""Step 13 of the audit (docs/audit.md): the records of what releases showed, each held against its decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cleanroom.audit.bundle import erased_hash
from cleanroom.audit.findings import Findings
from cleanroom.audit.replay import Recorded, Replay
from cleanroom.domain.fields import ACCOUNT
from cleanroom.messages.records import Record, RecordRefused, read_record, records_root
from cleanroom.policy.model import LEVEL
from matching.merkle import leaf_hash


@dataclass(slots=True)
class Records:
    """What was found of the records: those that hold, each with its release, and how many were erased."""

    findings: Findings
    holding: list[tuple[Recorded, Record]] = field(default_factory=list)
    erased: int = 0

    def check(self, carried: Mapping[str, tuple[bytes, ...]], replay: Replay) -> None:
        """Every release that is on record, and every file of records."""
        for digest in carried.keys() - replay.releases.keys():
            with self.findings.at(f"records of {digest[:16]}"):
                self.findings.broken("of a release that is not on record")
        for digest, release in replay.releases.items():
            entry, lines = release.entry, carried.get(digest)
            where = f"release {entry.number} of {entry.sender} in epoch {entry.epoch}"
            with self.findings.at(where):
                if lines is not None:
                    self._release(where, release, lines)
                elif digest in replay.documents.delivered:
                    self.findings.noted("was handed over, and its records are not carried")

    def _release(self, where: str, release: Recorded, lines: tuple[bytes, ...]) -> None:
        """Number and root are those of the signed release; then each record by itself."""
        signed = release.document
        if signed is None:
            self.findings.noted("its records cannot be checked: its document is not carried, or refused")
            return
        self.findings.require(len(lines) == signed.matches, f"{len(lines)} records of {signed.matches} matches")
        hashes = [erased_hash(line) or leaf_hash(line) for line in lines]
        self.findings.require(records_root(hashes) == signed.records, "its records have another root")
        handles: set[tuple[str, str]] = set()
        for number, line in enumerate(lines):
            if erased_hash(line):
                self.erased += 1
                continue
            with self.findings.at(f"{where}, record {number}"):
                record = read_record(line)
                _check(record, release)
                if (record.sender, record.recipient) in handles:
                    raise RecordRefused("record: a match repeats")
                handles.add((record.sender, record.recipient))
                self.holding.append((release, record))
        self.findings.checked["records"] += len(lines)


def _check(record: Record, release: Recorded) -> None:
    """Accounts only in agreed cells, each field of the catalogue and not above the decision. Raises RecordRefused."""
    if max(record.cell) >= len(release.segments):
        raise RecordRefused("record: a cell that the terms do not have")
    if not record.accounts:
        return
    decided = release.decision
    if record.cell not in decided.cells:
        raise RecordRefused("record: accounts in a cell that is not agreed")
    forms = decided.forms[decided.cells.index(record.cell)]
    for name, form in (item for account in record.accounts for item in account.items()):
        if name not in forms or name == ACCOUNT or LEVEL[form] > LEVEL[forms[name]]:
            raise RecordRefused(f"record: a field in a form ({form}) above the one that both policies give")
