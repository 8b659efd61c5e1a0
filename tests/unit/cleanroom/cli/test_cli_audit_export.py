import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commandline import Command

from cleanroom.agent.audit_export import Exported
from cleanroom.cli import audit_export
from cleanroom.cli.exits import Exit
from cleanroom.domain.errors import NotPossibleNow


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, Path]]:
    """What was exported where; the file itself is the agent's business."""
    found: list[tuple[object, Path]] = []

    def export(_: object, room: object, path: Path) -> Exported:
        path.write_bytes(b"bundle")
        found.append((room, path))
        problem = NotPossibleNow("the room was \x1b[31m left")
        return Exported(entries=1_200, documents=17, releases=1, conflicts=2, problem=problem)

    @contextmanager
    def agent(_: object) -> Iterator[object]:
        yield object()

    monkeypatch.setattr(audit_export, "export", export)
    monkeypatch.setattr(audit_export, "find_id", lambda _, room: f"id of {room}")
    monkeypatch.setattr("cleanroom.cli.invocation.Invocation.agent", agent)
    return found


def test_it_says_what_is_in_the_file_and_how_to_check_it(
    exported: list[tuple[object, Path]], command: Command, tmp_path: Path
) -> None:
    to = tmp_path / "my bundle"
    ended = command("audit", "export", "--room", "R", "--to", str(to))
    out = " ".join(ended.out.split())
    assert (ended.code, exported) == (Exit.DONE, [("id of R", to)])
    assert "In it: 1,200 entries, 17 documents, what 1 release showed." in out
    assert "2 checkpoints of the escrow that contradict this log" in out
    assert "could not be compared with the escrow's now: the room was \ufffd[31m left" in out
    assert "Check it anywhere: cleanroom audit verify '" in out
    document = json.loads(command("audit", "export", "--room", "R", "--to", str(to), "--json").out)
    assert (document["room"], document["file"], document["entries"]) == ("id of R", str(to), 1_200)
    assert document["problem"]["code"] == "not_possible_now"


def test_a_place_that_cannot_be_written_is_refused(
    exported: list[tuple[object, Path]], command: Command, tmp_path: Path
) -> None:
    ended = command("audit", "export", "--room", "R", "--to", str(tmp_path / "none" / "b"))
    assert (ended.code, exported) == (Exit.REFUSED, [])
    assert ended.err == "error: b: cannot be written (No such file or directory)\n"
