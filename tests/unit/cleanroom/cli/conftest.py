from pathlib import Path

import pytest
from commandline import Command, command_at


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return command_at(tmp_path / "home")
