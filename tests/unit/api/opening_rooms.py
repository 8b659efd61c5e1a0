"""Rooms with a round to open, and valid openings of it."""

import hashlib
from dataclasses import dataclass
from typing import Any

from conftest import Setting
from partner import SEGMENTS, Partner, digest_in
from people import staffed

from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import instant
from cleanroom.messages.lists import Snapshot
from cleanroom.messages.openings import OpenedRow, Opening, decode_evidence, encode_rows
from matching import group, merkle, proof, tokens
from matching.rows import Rows


@dataclass(frozen=True)
class Opener:
    """One side of a round: what it has evaluated, and of what."""

    setting: Setting
    me: Partner
    other: Partner
    own: Snapshot
    of: Snapshot
    evaluated: Rows

    @property
    def path(self) -> str:
        return f"/v1/rooms/{self.setting.room}/rounds/1/openings/{self.me.id}"

    def opening(self, *, created: str | None = None, **changes: Any) -> tuple[Opening, bytes]:  # noqa: ANN401 - any member
        """An opening of the round in one part, and the part. Proofs are randomised: no two are alike."""
        data, blinded, points = self._rows()
        policies = {view.policy.signatures[0].signer: view.policy.digest() for view in self._view().policies}
        evaluations = {item.signatures[0].signer: item.digest() for item in self._view().evaluations}
        key = group.base_multiply(self.me.scalars[0])
        claim = {
            "room": self.setting.room,
            "terms": self.setting.terms.digest(),
            "epoch": 0,
            "round": 1,
            "prover": self.me.id,
            "verifier": self.other.id,
            "prover_key": key.hex(),
            "verifier_key": group.base_multiply(self.other.scalars[0]).hex(),
            "of": self.of.digest(),
            "own": self.own.digest(),
            "evaluation": evaluations[self.me.id],
            "answering": evaluations[self.other.id],
            "prover_policy": policies[self.me.id],
            "verifier_policy": policies[self.other.id],
            "log_size": 0,
            "log_root": hashlib.sha256().hexdigest(),
            "rows": len(blinded),
            "parts": [hashlib.sha256(data).hexdigest()],
            **changes,
        }
        moment = created or instant(self.me.clock())
        bare = Opening.model_validate({"claim": claim, "proofs": ["00" * 64], "created": moment})
        proven = proof.prove(self.me.scalars[0], key, blinded, points, statement=bare.claim.statement(0))
        return bare.model_copy(update={"proofs": (proven.hex(),)}), data

    def record(self, opening: Opening) -> Any:  # noqa: ANN401 - a response
        return self.me.put(self.path, self.me.sign(opening))

    def put_part(self, data: bytes, index: int = 0) -> Any:  # noqa: ANN401 - a response
        return self.me.call("PUT", f"{self.path}/parts/{index}", data, media="application/octet-stream")

    def deliver(self) -> Any:  # noqa: ANN401 - a response
        return self.me.put(f"{self.path}/delivery", {})

    def deliver_all(self) -> Opening:
        """A whole opening, from its record to its delivery."""
        opening, data = self.opening()
        digest_in(self.record(opening))
        digest_in(self.put_part(data))
        assert digest_in(self.deliver()) == opening.digest()
        return opening

    def _view(self) -> Any:  # noqa: ANN401 - the room's view
        return self.me.view(self.setting.room)

    def _rows(self) -> tuple[bytes, Any, Any]:
        """The part, and its tokens and points."""
        theirs = self.other.states[0]
        names, leaves, width = tokens.renamed(theirs.name, self.me.renaming), theirs.leaves(), theirs.leaf_width
        places = {(names[i].tobytes(), int(theirs.kind[i])): i for i in range(len(theirs))}
        shown = decode_evidence(self.me.get(f"/v1/rooms/{self.setting.room}/rounds/1/evidence/0").content)
        mine = [item.index for item in shown]
        wanted = [places[self.evaluated.name[i].tobytes(), int(self.evaluated.kind[i])] for i in mine]
        points = group.multiply(theirs.value[wanted], self.me.scalars[0])
        paths = merkle.paths(leaves, width, wanted)
        rows = [
            OpenedRow(
                pseudonym=names[i].tobytes(),
                point=points[row].tobytes(),
                batch=1,
                index=i,
                leaf=leaves[i * width : (i + 1) * width],
                path=paths[row],
            )
            for row, i in enumerate(wanted)
        ]
        return encode_rows(rows), theirs.value[wanted], points


def agree(setting: Setting) -> None:
    """Both put a policy in force that agrees to every cell."""
    for partner in (setting.ana, setting.bo):
        side = staffed(partner, setting)
        cells = [(mine, theirs) for mine in SEGMENTS for theirs in SEGMENTS]
        digest_in(side.put(side.document(side.showing(*cells)), side.reviewer))


def begin_round(setting: Setting) -> tuple[Opener, Opener]:
    """Lists, evaluations, policies, and then the round."""
    a, b = setting.push_both()
    by_bo, by_ana = setting.sign_both([a], [b])
    for evaluator, batches in ((setting.bo, by_bo), (setting.ana, by_ana)):
        digest_in(evaluator.upload(setting.room, 1, batches[0]))
    agree(setting)
    assert round_state(setting) == ("open", ())
    return (
        Opener(setting, setting.ana, setting.bo, a, b, by_ana[0]),
        Opener(setting, setting.bo, setting.ana, b, a, by_bo[0]),
    )


def round_state(setting: Setting) -> tuple[str, tuple[str, ...]]:
    """The round's state, and who has delivered."""
    view = setting.ana.view(RoomId(setting.room)).round
    assert view is not None
    return view.state.value, view.opened
