"""What each side installs: the partner's wheel holds no server, the operator's brings its migrations."""

import os
import sys
import sysconfig
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from ground import ran

ROOT = Path(__file__).parents[2]
SERVER = ("fastapi", "starlette", "uvicorn", "alembic", "psycopg", "structlog")
IMPORT = """
import sys

class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {servers!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Closed())
sys.path[:0] = [{wheel!r}, {site!r}]
import cleanroom.cli.main, cleanroom.notebook, matching
assert cleanroom.__file__.startswith({wheel!r}) and matching.__file__.startswith({wheel!r})
sys.argv = ["cleanroom", "--help"]
cleanroom.cli.main.main()
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels, built from this tree without network: name -> file."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    built = ran(*pip, "wheel", *offline, "-w", folder, ROOT, ROOT / "packaging" / "escrow")
    assert built.returncode == 0, built.stderr
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path) -> Message:
    (inside,) = (name for name in names(wheel) if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(inside).decode())


def packages(wheel: Path) -> set[str]:
    return {top for name in names(wheel) if not (top := name.partition("/")[0]).endswith(".dist-info")}


def test_there_is_one_wheel_for_each_side(wheels: dict[str, Path]) -> None:
    assert set(wheels) == {"cleanroom", "cleanroom_escrow"}


def test_the_partners_wheel_contains_no_server(wheels: dict[str, Path]) -> None:
    assert packages(wheels["cleanroom"]) == {"matching", "cleanroom"}
    required = [line.lower() for line in metadata(wheels["cleanroom"]).get_all("Requires-Dist", [])]
    assert required
    assert not [line for line in required if line.startswith(SERVER)]


def test_the_partners_wheel_has_what_is_not_python_too(wheels: dict[str, Path]) -> None:
    def data(paths: set[str]) -> set[str]:
        return {path for path in paths if not path.endswith((".py", ".pyc")) and ".dist-info/" not in path}

    source = {
        path.relative_to(ROOT).as_posix()
        for package in ("matching", "cleanroom")
        for path in (ROOT / package).rglob("*")
        if path.is_file()
    }
    assert data(names(wheels["cleanroom"])) == data(source)


def test_the_operators_wheel_brings_its_migrations(wheels: dict[str, Path]) -> None:
    wheel = wheels["cleanroom_escrow"]
    assert packages(wheel) == {"escrow", "api"}
    assert {"escrow/migrations/env.py", "escrow/migrations/versions/0001_the_first_tables.py"} <= names(wheel)
    assert f"cleanroom=={metadata(wheels['cleanroom'])['Version']}" in metadata(wheel).get_all("Requires-Dist", [])


def test_the_partners_command_runs_without_the_server(wheels: dict[str, Path], tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
    there = tmp_path / "installed"
    installed = ran(*pip, "install", "--no-index", "--no-deps", "--target", there, wheels["cleanroom"])
    assert installed.returncode == 0, installed.stderr
    servers = {"escrow", "api", "examples", "bench", *SERVER}
    # -S: no .pth file of the environment brings this tree back.
    code = IMPORT.format(servers=servers, wheel=str(there), site=sysconfig.get_paths()["purelib"])
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}  # noqa: TID251 - handed on
    done = ran(sys.executable, "-S", "-E", "-P", "-c", code, env=quiet)
    assert done.returncode == 0, done.stderr
    assert "Map accounts with partners" in done.stdout
