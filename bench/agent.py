"""One partner's agent as a process of its own, for the benches: waits for "go", pushes, syncs until the answer is there.

    python -m bench.agent HOME ROOM FILE [CHANGES]

Speaks lines of JSON on stdout: {"ready": true}, then after each line "go" on stdin the result of one run. The first
run pushes FILE, a second one CHANGES.
"""

import json
import resource
import sys
import time
from pathlib import Path

from cleanroom.agent import overlap, push, sync
from cleanroom.agent.home import open_agent
from cleanroom.agent.progress import Progress
from cleanroom.agent.session import Agent
from cleanroom.domain.clock import system_clock
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import RoomId
from examples.local import PASSPHRASE


def main() -> None:
    """Serve runs until stdin ends."""
    home, room, *files = sys.argv[1:]
    progress = Progress()
    with open_agent(Path(home), Secret(PASSPHRASE), clock=system_clock, progress=progress) as agent:
        _say({"ready": True})
        for index, line in enumerate(sys.stdin):
            command = line.split()
            if command[0] == "push":
                _push(agent, Path(files[index]) if index < len(files) else None, changes=index > 0)
            _until(agent, RoomId(room), number=int(command[1]))
            _say(_result(agent, RoomId(room), progress))
            progress.seconds.clear()


def _push(agent: Agent, path: Path | None, *, changes: bool) -> None:
    if path is None:
        return
    request = push.PushRequest(path=path, list_name="bench", segment="customers", changes=changes)
    push.push(agent, request)


def _until(agent: Agent, room: RoomId, *, number: int) -> None:
    """Sync as `cleanroom sync --watch` does, until the room's answer has at least this number."""
    for _ in sync.watch(agent, room):
        try:
            if overlap.overlap(agent, room).number >= number:
                return
        except overlap.NoAnswerYet:
            continue


def _result(agent: Agent, room: RoomId, progress: Progress) -> dict[str, object]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    answer = overlap.overlap(agent, room)
    return {
        "count": answer.shown,
        "withheld": answer.withheld,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1e3,
        "stages": {name: round(seconds, 3) for name, seconds in progress.seconds.items()},
        "at": time.monotonic(),
    }


def _say(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
