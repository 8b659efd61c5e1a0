import json
from importlib import resources

import pytest

from cleanroom.agent.tables import load_tables
from matching.normalise.tables import Edition

FOLDER = resources.files("cleanroom.agent") / "editions"
FILES = json.loads((FOLDER / "editions.json").read_text(encoding="utf-8"))
TABLES = load_tables()
BELOW = ("", "a.", "www.a.", "com.", "co.uk.", "x_.", "xn--80a.")


def icann_rules(which: str) -> set[str]:
    text = (FOLDER / FILES[which]["public_suffixes"]).read_text(encoding="utf-8")
    section = text.partition("// ===BEGIN PRIVATE DOMAINS===")[0]
    lines = (line.split()[0] for line in section.splitlines() if line.strip() and not line.startswith("//"))
    return {"!" * rule.startswith("!") + rule.lstrip("!").encode("idna").decode() for rule in lines}


def by_the_algorithm(host: str, rules: set[str]) -> str:
    """https://publicsuffix.org/list/, "Algorithm", but for hosts that no rule matches: they have no suffix."""
    labels = host.split(".")
    for at in range(len(labels)):
        name = ".".join(labels[at:])
        if f"!{name}" in rules:
            return name
        if name in rules or ".".join(["*", *labels[at + 1 :]]) in rules:
            return ".".join(labels[at - 1 :]) if at else ""
    return ""


@pytest.mark.parametrize(("which", "edition"), [("current", TABLES.current), ("previous", TABLES.previous)])
def test_registrable_domains_are_those_of_the_lists_algorithm(which: str, edition: Edition) -> None:
    """Each rule of the list with hosts on it, right below it, and further down; and those of its parent."""
    rules = icann_rules(which)
    names = {rule.replace("*", "wild").removeprefix("!") for rule in rules}
    parents = {name.partition(".")[2] for name in names} - {""}
    hosts = [below + suffix for suffix in names | parents for below in BELOW]
    assert len(hosts) > 40_000
    wrong = [host for host in hosts if edition.registrable_domain(host) != by_the_algorithm(host, rules)]
    assert not wrong
