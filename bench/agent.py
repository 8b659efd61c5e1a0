"""One partner's agent as a process of its own, for the benches.

    python -m bench.agent HOME ROOM

Prints {"ready": true} when its home is open, then obeys lines on stdin, each answered by one line of JSON:

    push FILE            read, key, store and commit a list, as `cleanroom push` does
    changes FILE         the same with a delta
    until NUMBER         sync, as `cleanroom sync --watch` does, until the room's answer has at least that number
    agree                make two users, propose the preset `co-sell` by one, approve it by the other
    shared NUMBER        sync until the other side's fields of that many accounts are here
"""

import json
import resource
import sys
from datetime import timedelta
from pathlib import Path

from cleanroom import kernel
from cleanroom.agent import overlap, policies, push, push_plan, shared, sync, users
from cleanroom.agent.home import open_agent
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.progress import Progress
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.viewing import Viewer
from cleanroom.domain.clock import system_clock
from cleanroom.domain.collector import collect_rarely
from cleanroom.domain.errors import CleanroomError, NotPossibleNow
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Role, RoomId
from cleanroom.messages.policy_chain import ground_of
from cleanroom.policy.presets import Preset, preset
from examples.local import PASSPHRASE
from matching.refusal import Refusal

CHOICES = push_plan.Choices(name="bench", segment="customers")


def main() -> None:
    """Obey until stdin ends."""
    collect_rarely()
    kernel.offer(lambda text: print(text, file=sys.stderr))
    home, room = sys.argv[1:]
    progress = Progress()
    with open_agent(Path(home), Secret(PASSPHRASE), clock=system_clock, progress=progress) as agent:
        _say({"ready": True})
        for line in sys.stdin:
            verb, _, rest = line.strip().partition(" ")
            match verb:
                case "push" | "changes":
                    _push(agent, Path(rest), changes=verb == "changes")
                    _say(_used(progress))
                case "agree":
                    _agree(agent, RoomId(room))
                    _say(_used(progress))
                case "shared":
                    _say({"shared": _shared(agent, RoomId(room), int(rest)), **_used(progress)})
                case _:
                    answer = _until(agent, RoomId(room), number=int(rest))
                    seen = {"number": answer.number, "count": answer.shown, "withheld": answer.withheld}
                    _say({**seen, **_used(progress)})


def _push(agent: Agent, path: Path, *, changes: bool) -> None:
    table = push_plan.read(agent, push_plan.File(path=path))
    if changes:
        prepared = push.prepare_changes(agent, push_plan.plan_changes(agent, table, CHOICES))
    else:
        prepared = push.prepare(agent, push_plan.plan(agent, table, CHOICES))
    report = push.push(agent, prepared, rooms=None)
    for done in report.rooms:
        if isinstance(done.outcome, CleanroomError | Refusal):
            raise done.outcome


def _until(agent: Agent, room: RoomId, *, number: int) -> overlap.Overlap:
    for results in sync.watch(agent, room):
        for result in results:
            if result.problem is not None:
                raise result.problem
        try:
            answer = overlap.overlap(agent, room)
        except overlap.NoAnswerYet:
            continue
        if answer.number >= number:
            return answer
    raise AssertionError


def _agree(agent: Agent, room_id: RoomId) -> None:
    ann = users.add(agent, "Ann", Role.ADMIN, passphrase=Secret(PASSPHRASE))
    author = users.unlock(agent, ann.name, Secret(PASSPHRASE))
    users.add(agent, "Bob", Role.PARTNER_MANAGER, passphrase=Secret(PASSPHRASE), by=author)
    ground = ground_of(open_room(agent, room_id).terms)
    until = agent.clock().replace(microsecond=0) + timedelta(days=30)
    policy = preset(Preset.CO_SELL, owner=agent.me, ground=ground, expires=until)
    policies.propose(agent, room_id, policy, author, yaml="")
    policies.approve(agent, room_id, users.unlock(agent, "Bob", Secret(PASSPHRASE)))


def _shared(agent: Agent, room_id: RoomId, wanted: int) -> int:
    for results in sync.watch(agent, room_id):
        for result in results:
            if result.problem is not None and not isinstance(result.problem, NotPossibleNow | EscrowProblem):
                raise result.problem
        # Reading the table of ten thousand rows after each pass would measure the reader, not the exchange.
        if any(step.startswith("received") for result in results for step in result.steps):
            found = len(shared.shared(agent, open_room(agent, room_id), Viewer(role=Role.ADMIN)).rows)
            if found >= wanted:
                return found
    raise AssertionError


def _used(progress: Progress) -> dict[str, object]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    stages = {name: round(seconds, 2) for name, seconds in progress.seconds.items()}
    progress.seconds.clear()
    return {"cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1e3, "stages": stages}


def _say(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
