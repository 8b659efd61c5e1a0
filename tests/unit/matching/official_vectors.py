"""Reading of vector files: a member that the test does not expect, or one that is missing, is an error."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[2] / "vectors"


def load(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def exactly(record: dict[str, Any], members: Iterable[str]) -> dict[str, Any]:
    assert set(record) == set(members), "the file has members that this test does not know, or lacks some"
    return record


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
