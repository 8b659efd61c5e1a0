from pathlib import Path

import pytest

from cleanroom.agent.vault import Vault
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.secret import Secret

PASSPHRASE = Secret("correct horse")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "vault.db"


@pytest.fixture
def vault(path: Path) -> Vault:
    return Vault.create(path, PASSPHRASE, kdf_cost=KdfCost.unsafe_for_tests())


@pytest.fixture
def passphrase() -> Secret[str]:
    return PASSPHRASE
