"""Keys in portions and by other processes are those that one call makes."""

import subprocess
import sys
from collections.abc import Iterator

import pandas as pd
import pytest

from cleanroom.agent import key_making, key_worker
from cleanroom.agent.key_making import make_keys
from cleanroom.agent.progress import Progress
from cleanroom.agent.tables import load_tables
from matching.keys import Keys, keys_of
from matching.normalise.tables import Recipe, current
from matching.refusal import Refusal

ROWS = 230


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Portions so small that a few rows are many."""
    monkeypatch.setattr(key_making, "PORTION", 20)
    monkeypatch.setattr(key_making, "LONG", 100)
    return None


def accounts(count: int = ROWS) -> pd.DataFrame:
    rows = range(count)
    columns = {
        "account_id": [f"a{at}" for at in rows],
        "name": [f"{'=' if at % 31 == 0 else ''}Harbour {at % 150} Tools Ltd" for at in rows],
        "website": ["" if at % 5 == 0 else "no site" if at % 7 == 0 else f"https://harbour{at}.com" for at in rows],
        "country": ["GB", "DE"] * (count // 2) + ["FR"] * (count % 2),
        "lei": ["wrong" if at % 40 == 0 else "" for at in rows],
        "email": [f"harbour-{at}.co.uk" for at in rows],
    }
    return pd.DataFrame(columns).astype("str").assign(suppressed=[at % 9 == 0 for at in rows])


def same(one: Keys, other: Keys) -> bool:
    def ordered(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sort_values([*frame.columns], ignore_index=True)

    pd.testing.assert_frame_equal(ordered(one.frame), ordered(other.frame))
    pd.testing.assert_frame_equal(ordered(one.refused), ordered(other.refused))
    return True


def wanted(frame: pd.DataFrame) -> Keys:
    return keys_of(frame, current(load_tables()), load_tables())


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.usefixtures("small")
def test_portions_give_the_keys_of_the_whole(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_making, "_spare_cores", lambda: workers)
    frame = accounts()
    assert same(make_keys(frame, current(load_tables()), load_tables(), Progress()), wanted(frame))


@pytest.mark.usefixtures("small")
def test_a_worker_really_makes_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a list whose portions this process leaves alone."""
    monkeypatch.setattr(key_making._Portions, "work", lambda _: iter(()))  # noqa: SLF001 - what is meant
    monkeypatch.setattr(key_making, "_spare_cores", lambda: 1)
    frame = accounts()
    assert same(make_keys(frame, current(load_tables()), load_tables(), Progress()), wanted(frame))


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(1)",
        "import sys; sys.stdin.buffer.read(20)",
        "import sys; sys.stdin.buffer.read(900); sys.stdout.buffer.write(bytes(7) + bytes([5]) + b'lies.' * 3)",
        "import sys; sys.stdout.buffer.write(b'x' * 99)",
    ],
)
@pytest.mark.usefixtures("small")
def test_a_worker_that_ends_early_or_lies_costs_nothing_but_time(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = subprocess.Popen
    monkeypatch.setattr(key_making, "_spare_cores", lambda: 2)
    monkeypatch.setattr(
        key_making.subprocess, "Popen", lambda _, **pipes: begun([sys.executable, "-c", program], **pipes)
    )
    frame = accounts()
    assert same(make_keys(frame, current(load_tables()), load_tables(), Progress()), wanted(frame))


@pytest.mark.usefixtures("small")
def test_progress_counts_every_row_once() -> None:
    shown: list[tuple[str, int, int | None]] = []
    make_keys(accounts(), current(load_tables()), load_tables(), Progress(lambda *step: shown.append(step)))
    done = [item[1] for item in shown]
    assert (shown[0], shown[-1]) == (("match keys", 0, ROWS), ("match keys", ROWS, ROWS))
    assert done == sorted(done)
    assert len(done) > 3


def test_an_empty_list_has_no_keys() -> None:
    keys = make_keys(accounts(0), current(load_tables()), load_tables(), Progress())
    assert (len(keys.frame), len(keys.refused)) == (0, 0)
    assert keys.frame.dtypes.astype(str).to_dict() == {"account": "int32", "kind": "uint8", "key": "str"}


@pytest.mark.usefixtures("small")
def test_what_the_normalisers_refuse_is_refused_before_any_work() -> None:
    strange = Recipe(kind="lei", normaliser="lei/99", tables="")
    with pytest.raises(Refusal, match="not a version"):
        make_keys(accounts(), [strange], load_tables(), Progress())
    with pytest.raises(Refusal, match="website"):
        make_keys(accounts().drop(columns="website"), current(load_tables()), load_tables(), Progress())


def test_a_worker_says_nothing_of_a_cell_when_it_fails() -> None:
    command, given = [sys.executable, "-P", "-m", key_worker.__name__], b"\0" * 7 + b"\2[]" + b"Zzyzx" * 9
    done = subprocess.run(command, input=given, capture_output=True, check=False)  # noqa: S603 - our own module
    assert done.returncode
    assert b"Zzyzx" not in done.stdout + done.stderr
