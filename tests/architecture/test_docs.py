"""What the documentation names exists, and what exists is in the documentation."""

import ast
import importlib
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

import api
import cleanroom
import escrow
from api.service.command import app as operator_app
from api.service.problems import PROBLEMS
from cleanroom import notebook
from cleanroom.agent.lint_rules import RULES
from cleanroom.cli.exits import EXITS, Exit
from cleanroom.cli.main import app as partner_app
from cleanroom.domain.errors import CleanroomError
from escrow.tables import Base

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = [path for part in ("matching", "cleanroom", "escrow", "api") for path in sorted((ROOT / part).rglob("*.py"))]
COMMANDS = {
    "cleanroom": typer.main.get_command(partner_app),
    "cleanroom-escrow": typer.main.get_command(operator_app),
}
HELP = {"--help", "-h"}
OFFLINE = {f"cleanroom {name}" for name in ("audit verify", "audit show", "audit report", "receipt verify")}
"""Commands without a home."""


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(document: str, heading: str) -> str:
    """What is below a heading of level 2, up to the next one."""
    parts = re.split(r"^## (.+)$", document, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


def rows_of(text: str) -> list[list[str]]:
    """The cells of the table rows that begin with a name in backticks."""
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:3] == "| `"]
    return [[row[0].strip("`"), *row[1:]] for row in rows]


def codes_below(*packages: ModuleType) -> set[str]:
    for package in packages:
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in info.name and not info.name.endswith("__main__"):
                importlib.import_module(info.name)
    names = tuple(f"{package.__name__}." for package in packages)
    return {found.code for found in descendants(CleanroomError) if found.__module__.startswith(names)}


def descendants(root: type[CleanroomError]) -> Iterator[type[CleanroomError]]:
    yield root
    for child in root.__subclasses__():
        yield from descendants(child)


def first_arguments(*names: str) -> Iterator[str]:
    """The literal first argument of every call of these names. One that is no literal could not be documented."""
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield str(first.value)
                else:
                    assert node.func.id == "EscrowProblem", f"{path.name}:{node.lineno}: a code that is no literal"


def leaves(command: object, path: str) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """What can be run: commands, and groups that do something by themselves."""
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from leaves(child, f"{path} {name}")
        if command.invoke_without_command:
            yield path, command
    else:
        assert isinstance(command, TyperCommand)
        yield path, command


LEAVES = dict(pair for name, command in COMMANDS.items() for pair in leaves(command, name))


def parameters_of(command: TyperCommand | TyperGroup) -> list[str]:
    """The options by their long names, the arguments in capitals."""
    names = [
        str(param.name).upper() if param.param_type_name == "argument" else max(param.opts, key=len)
        for param in command.params
    ]
    return [name for name in names if name not in HELP]


def blocks(document: str) -> list[str]:
    """The lines of the shell blocks, continued lines joined."""
    found = re.findall(r"^```sh\n(.*?)^```$", document, flags=re.MULTILINE | re.DOTALL)
    return [line for block in found for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def parse(line: str) -> None:
    """Parse a command line as the shell and the command would, without running it. Exits for what is wrong."""
    program, *arguments = shlex.split(line, comments=True)
    path = program.removeprefix(".venv/bin/")
    if arguments in (["--help"], ["--version"]):
        return
    while arguments and (path not in LEAVES or f"{path} {arguments[0]}" in LEAVES):
        path = f"{path} {arguments.pop(0)}"
    assert path in LEAVES, f"no such command: {line}"
    if "--help" not in arguments:
        LEAVES[path].make_context(path, arguments)


def test_every_problem_of_the_escrow_is_in_the_errors() -> None:
    table = rows_of(section(text_of("docs/errors.md"), "Problems of the escrow"))
    assert {row[0]: int(row[1]) for row in table} == {code: status for code, (status, _) in PROBLEMS.items()}
    assert len(table) == len(PROBLEMS)


def test_every_error_of_the_commands_is_in_the_errors_with_its_exit_code() -> None:
    table = rows_of(section(text_of("docs/errors.md"), "Errors of the commands"))
    documented = {row[0]: row[1] for row in table}
    assert len(documented) == len(table)
    agents = codes_below(cleanroom) | set(first_arguments("EscrowProblem"))
    assert set(documented) == agents | (codes_below(escrow, api) - set(PROBLEMS))
    stated = {code: Exit(int(exit_code)) for code, exit_code in documented.items() if code in EXITS}
    assert stated == EXITS


def test_every_refusal_of_the_kernel_is_in_the_errors() -> None:
    table = rows_of(section(text_of("docs/errors.md"), "Refusals of the kernel"))
    assert sorted(row[0] for row in table) == sorted(set(first_arguments("Refusal")))


def test_every_environment_variable_is_in_the_commands_and_no_other() -> None:
    written = {
        match
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for match in re.findall(r"\bCLEANROOM_[A-Z_]+\b", node.value)
    }
    table = rows_of(section(text_of("docs/commands.md"), "Environment"))
    assert {row[0] for row in table} == written
    named = {name for path in DOCS for name in re.findall(r"\bCLEANROOM_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    assert named <= written


def test_every_exit_code_is_in_the_commands() -> None:
    table = rows_of(section(text_of("docs/commands.md"), "Exit codes"))
    assert {int(row[0]) for row in table} == set(Exit)


def test_every_rule_of_lint_is_in_the_commands_in_its_words() -> None:
    table = rows_of(section(text_of("docs/commands.md"), "What lint finds"))
    assert table == [[rule.name, rule.means, rule.do] for rule in RULES.values()]


def test_every_command_has_its_section() -> None:
    headings = re.findall(r"^### `(cleanroom.*)`$", text_of("docs/commands.md"), flags=re.MULTILINE)
    assert sorted(headings) == sorted(LEAVES)


@pytest.mark.parametrize("path", LEAVES)
def test_a_commands_section_has_its_options_and_an_example(path: str) -> None:
    document = text_of("docs/commands.md")
    found = re.search(rf"^### `{re.escape(path)}`$(.*?)(?=^##|\Z)", document, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    everywhere = section(document, f"Options of every {path.split(maxsplit=1)[0]} command")
    told = [row[0].split()[0] for row in rows_of(found[1]) + rows_of(everywhere)]
    if path in OFFLINE:
        told.remove("--home")
    assert sorted(told) == sorted(parameters_of(LEAVES[path]))
    assert any(line.startswith(f"{path} ") or line == path for line in blocks(found[1]))


@pytest.mark.parametrize("document", [path.relative_to(ROOT).as_posix() for path in DOCS])
def test_commands_in_the_documents_parse(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.MULTILINE))
    for line in blocks(text_of(document)):
        program = line.split()[0]
        if program == "make":
            assert {word for word in shlex.split(line, comments=True)[1:] if "=" not in word} <= targets, line
        elif program.removeprefix(".venv/bin/") in COMMANDS:
            parse(line)


@pytest.mark.parametrize("document", [path.relative_to(ROOT).as_posix() for path in DOCS])
def test_links_lead_somewhere(document: str) -> None:
    here = (ROOT / document).parent
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|(?:src|srcset)=\"([^\"]+)\"", text_of(document))
    local = [first or second for first, second in targets if "://" not in first + second]
    assert [target for target in local if not (here / target).exists()] == []


@pytest.mark.parametrize("document", [path.relative_to(ROOT).as_posix() for path in DOCS])
def test_tests_that_are_cited_exist(document: str) -> None:
    cited = re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", text_of(document))
    missing = [
        f"{file}::{name}" for file, name in cited if f"def {name}(" not in (ROOT / "tests" / file).read_text("utf-8")
    ]
    assert missing == []


@pytest.mark.parametrize("document", [path.relative_to(ROOT).as_posix() for path in DOCS])
def test_files_that_are_cited_exist(document: str) -> None:
    cited = re.findall(
        r"`((?:matching|cleanroom|escrow|api|examples|requirements)/[\w/-]*(?:/|\.\w+))`", text_of(document)
    )
    assert [file for file in cited if not (ROOT / file).exists()] == []


def test_every_table_of_the_escrow_is_in_the_architecture() -> None:
    table = rows_of(section(text_of("docs/architecture.md"), "The escrow's tables"))
    assert sorted(row[0] for row in table) == sorted(Base.metadata.tables)


FRAMES = [
    "PARTNERS",
    "ROOMS",
    "STATUS",
    "SYNCED",
    "CELLS",
    "AGREED",
    "MATCHES",
    "SHARED",
    "DISCLOSED",
    "PUSHED",
    "LINTED",
    "REFUSED",
]


@pytest.mark.parametrize("frame", FRAMES)
def test_every_column_of_the_notebooks_frames_is_documented(frame: str) -> None:
    table = rows_of(section(text_of("docs/notebook.md"), frame))
    assert {row[0]: row[1] for row in table} == getattr(notebook, frame)


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "requirements").glob("*.in")))
def test_every_dependency_is_explained(name: str) -> None:
    lines = [re.split("#|==", line)[0].strip() for line in text_of(f"requirements/{name}.in").splitlines()]
    wanted = {line for line in lines if line and not line.startswith("-")}
    table = rows_of(section(text_of("docs/dependencies.md"), f"requirements/{name}.in"))
    assert {row[0] for row in table} == wanted
