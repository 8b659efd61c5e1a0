"""Compiled kernels as files, and what a process does that has none, a bad one, or one that gives wrong answers."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from known_rows import encoded, half, rows_of, some_points

from cleanroom import kernel as kernels
from cleanroom.kernel import __main__ as command
from cleanroom.kernel import kept, loading
from matching import group
from matching.group import Scalar
from matching.lanes import chosen, known, machine
from matching.lanes.machine import GENERATOR, VARIANTS, Kernel, Variant, runs_here

ROOT = Path(__file__).parents[4]
POINTS = rows_of(some_points(50) * 41)
"""Enough to be worth loading a kernel."""
SCALAR = Scalar(encoded(12345))
assert len(POINTS) >= chosen.WORTH_LOADING


@pytest.fixture
def variant(best: tuple[Variant, bytes]) -> Variant:
    return best[0]


@pytest.fixture
def folder(tmp_path: Path, best: tuple[Variant, bytes]) -> Path:
    """A folder with a good kernel."""
    made = tmp_path / "kernel"
    made.mkdir(mode=0o700)
    kept.kept_at(best[0], made).write_bytes(best[1])
    return made


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What users hear; no offer outlives a test."""
    yield []
    chosen.offer(None)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[list[str]]:
    """Commands that would have been started."""
    commands: list[list[str]] = []

    def popen(command: list[str], **_: object) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(poll=lambda: exit_code)

    exit_code = getattr(request, "param", None)
    monkeypatch.setattr(loading.subprocess, "Popen", popen)
    return commands


def test_a_kept_kernel_is_loaded_in_under_a_second(variant: Variant, folder: Path) -> None:
    start = time.process_time()
    kernel = kept.load(variant, folder)
    assert time.process_time() - start < 1
    assert kernel is not None
    assert (kernel.name, kernel.lanes) == (variant.name, variant.lanes)
    assert kernel.multiply(rows_of([GENERATOR]), half(1))[0].tobytes() == GENERATOR


@pytest.mark.parametrize("at", [0, 31, 32, 5000, -1])
def test_a_damaged_file_is_refused(variant: Variant, folder: Path, at: int) -> None:
    path = kept.kept_at(variant, folder)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged: remove it"):
        kept.load(variant, folder)


@pytest.mark.parametrize("left", [0, 1, 31, 32, 33, -1])
def test_a_truncated_file_is_refused(variant: Variant, folder: Path, left: int) -> None:
    path = kept.kept_at(variant, folder)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match="damaged: remove it"):
        kept.load(variant, folder)


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_can_write_to_is_refused(variant: Variant, folder: Path, mode: int) -> None:
    folder.chmod(mode)
    for action in (kept.load, kept.keep):
        with pytest.raises(ValueError, match="writable by nobody else"):
            action(variant, folder)


def test_a_folder_of_somebody_else_is_refused(variant: Variant, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept.os, "getuid", lambda: 2**31)
    with pytest.raises(ValueError, match="must belong to this user"):
        kept.load(variant, folder)


def test_the_name_depends_on_all_that_the_code_depends_on(
    variant: Variant, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "lanes"
    sources.mkdir()
    for path in (ROOT / "matching" / "lanes").glob("*.py"):
        (sources / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(kept, "files", lambda _package: sources)
    names = {kept.kept_at(variant, folder).name}
    for path in sorted(sources.glob("*.py")):
        honest = path.read_bytes()
        path.write_bytes(honest + b"#")
        names.add(kept.kept_at(variant, folder).name)
        path.write_bytes(honest)
    assert len(names) == 1 + len(list(sources.glob("*.py")))
    names.update(kept.kept_at(other, folder).name for other in VARIANTS)
    for name, value in (("versions", "another"), ("cpu", ("another", "+avx2")), ("cpu", (machine.cpu()[0], "+fma"))):
        with monkeypatch.context() as patch:
            patch.setattr(machine, name, lambda value=value: value)
            names.add(kept.kept_at(variant, folder).name)
            assert kept.load(variant, folder) is None
    assert len(names) == 1 + len(list(sources.glob("*.py"))) + len(VARIANTS) - 1 + 3


def test_a_kernel_with_wrong_answers_is_refused_and_not_kept(
    variant: Variant, folder: Path, tmp_path: Path, best: tuple[Variant, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, function in (("HASHED", "multiply_hashed"), ("POINTS", "multiply")):
        with monkeypatch.context() as patch:
            patch.setattr(known, name, "00" * 32)
            with pytest.raises(ValueError, match=f"{variant.name}: {function} does not give the known answers"):
                kept.load(variant, folder)
    with monkeypatch.context() as patch:
        patch.setattr(known, "INVALID", (GENERATOR.hex(),))
        with pytest.raises(ValueError, match="multiply does not give"):
            kept.load(variant, folder)
        patch.setattr(machine, "compiled", lambda _variant: best[1][kept.CHECKSUM_BYTES :])
        with pytest.raises(ValueError, match="multiply does not give"):
            kept.keep(variant, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_code_without_the_functions_is_refused(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "written", lambda _variant: "define void @multiply_points() { ret void }")
    with pytest.raises(ValueError, match="no multiply_hashed"):
        Kernel(variant, machine.compiled(variant))


def test_a_variant_for_another_cpu_is_refused(best: tuple[Variant, bytes]) -> None:
    impossible = Variant("impossible", VARIANTS[0].field, 8, frozenset({"no such feature"}))
    assert not runs_here(impossible)
    with pytest.raises(ValueError, match="cannot run impossible"):
        Kernel(impossible, best[1][kept.CHECKSUM_BYTES :])


# ---- what a process does


def multiplied(said: list[str], folder: Path, times: int = 3) -> list[bool]:
    """Whether the kernel multiplied, each time, in a process that offers one. The rows are right anyway."""
    chosen.offer(None)
    expected = group.multiply(POINTS[:50], SCALAR).tobytes() * 41
    kernels.offer(said.append, folder)
    by_kernel = []
    for _ in range(times):
        assert group.multiply(POINTS, SCALAR).tobytes() == expected
        by_kernel.append(chosen.kernel(chosen.WORTH_CALLING) is not None)
    return by_kernel


def test_a_good_kernel_is_used_without_a_word(folder: Path, said: list[str], started: list[list[str]]) -> None:
    assert multiplied(said, folder) == [True] * 3
    assert (said, started) == ([], [])
    assert chosen.kernel(chosen.WORTH_CALLING - 1) is None


def test_small_batches_do_not_ask_for_a_kernel(folder: Path, said: list[str]) -> None:
    kernels.offer(said.append, folder)
    assert chosen.kernel(chosen.WORTH_LOADING - 1) is None
    assert chosen.kernel(chosen.WORTH_LOADING) is not None


@pytest.mark.parametrize("fault", ["damaged", "writable", "wrong answers"])
def test_a_kernel_that_cannot_be_used_leaves_the_work_to_libsodium(
    folder: Path, said: list[str], started: list[list[str]], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = folder.iterdir()
    if fault == "damaged":
        path.write_bytes(bytes(100))
    elif fault == "writable":
        folder.chmod(0o777)
    else:
        monkeypatch.setattr(known, "POINTS", "00" * 32)
    assert multiplied(said, folder) == [False] * 3
    assert len(said) == 1
    assert said[0].startswith("libsodium does the work, several times slower: ")
    assert started == []


def test_where_there_is_none_another_process_compiles_it(
    *, folder: Path, said: list[str], started: list[list[str]], best: tuple[Variant, bytes]
) -> None:
    path = kept.kept_at(best[0], folder)
    path.unlink()
    assert multiplied(said, folder) == [False] * 3
    assert started == [[sys.executable, "-m", "cleanroom.kernel", str(folder)]]
    assert len(said) == 1
    assert "being compiled, once for this machine" in said[0]
    path.write_bytes(best[1])  # what that process does
    assert group.multiply(POINTS, SCALAR).shape == POINTS.shape
    assert chosen.kernel(chosen.WORTH_CALLING) is not None
    assert len(said) == len(started) == 1


@pytest.mark.parametrize("started", [1], indirect=True)
def test_a_compiler_that_failed_is_said_once(
    folder: Path, said: list[str], started: list[list[str]], best: tuple[Variant, bytes]
) -> None:
    kept.kept_at(best[0], folder).unlink()
    assert multiplied(said, folder) == [False] * 3
    assert len(started) == 1
    assert ["compiled" in text for text in said] == [True, True]
    assert said[1].startswith("libsodium does the work, several times slower: the fast kernel could not be compiled")


def test_a_cpu_without_a_variant_is_left_to_libsodium(
    folder: Path, said: list[str], started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "best", lambda: None)
    assert multiplied(said, folder) == [False] * 3
    assert (said, started) == ([], [])


def run(folder: Path) -> str:
    """What the command says, in a process of its own."""
    made = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "cleanroom.kernel", str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert made.stderr == ""
    return made.stdout


@pytest.mark.soak
def test_the_command_compiles_once(tmp_path: Path, variant: Variant) -> None:
    folder = tmp_path / "new" / "kernel"
    said = run(folder)
    (path,) = folder.iterdir()
    assert said == f"Fast kernel {variant.name}, which gave all known answers: {path}\n"
    made = path.stat().st_mtime_ns
    assert run(folder) == said
    assert path.stat().st_mtime_ns == made


def test_the_command_keeps_what_it_compiles(
    tmp_path: Path, best: tuple[Variant, bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "kernel"
    compiled = []
    monkeypatch.setattr(machine, "compiled", lambda variant: compiled.append(variant) or best[1][kept.CHECKSUM_BYTES :])
    monkeypatch.setattr(sys, "argv", ["kernel", str(folder)])
    for _ in range(2):
        assert command.main() == 0
        (path,) = folder.iterdir()
        assert capsys.readouterr().out == f"Fast kernel {best[0].name}, which gave all known answers: {path}\n"
        assert (path, path.read_bytes()) == (kept.kept_at(best[0], folder), best[1])
        assert folder.stat().st_mode & 0o077 == path.stat().st_mode & 0o077 == 0
    assert compiled == [best[0]]
    assert run(folder).endswith(f"{path}\n")


def test_the_command_says_what_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kernel", str(folder)])
    assert command.main() == 0
    assert "which gave all known answers" in capsys.readouterr().out
    folder.chmod(0o777)
    assert command.main() == 1
    assert "writable by nobody else" in capsys.readouterr().err
    monkeypatch.setattr(command, "best", lambda: None)
    assert command.main() == 0
    assert "libsodium does the work" in capsys.readouterr().out
