"""kill -9 in the middle of a rekey: afterwards exactly one of the two passphrases opens, and every record is there."""

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cleanroom.agent.vault import Vault
from cleanroom.agent.vault_errors import WrongPassphrase
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.secret import Secret

# Announces itself just before the re-keying starts, so that the kill falls inside it.
_REKEY = """
import sys
from pathlib import Path
from cleanroom.agent.vault import Vault
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.secret import Secret
path, names = Path(sys.argv[1]), [Secret("passphrase one"), Secret("passphrase two")]
vault = Vault.open(path, names[int(sys.argv[2])])
now = int(sys.argv[2])
print("ready", flush=True)
while True:
    now = 1 - now
    vault.rekey(names[now], kdf_cost=KdfCost.unsafe_for_tests())
"""
PASSPHRASES = (Secret("passphrase one"), Secret("passphrase two"))
ROUNDS = 8


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL exists on POSIX only")
def test_killed_in_a_rekey(path: Path) -> None:
    values = {f"r/{i}": os.urandom(20_000) for i in range(60)}
    with Vault.create(path, PASSPHRASES[0], kdf_cost=KdfCost.unsafe_for_tests()) as vault, vault.transaction():
        for address, value in values.items():
            vault.put(address, value)
    for _ in range(ROUNDS):
        current = _only_one_that_opens(path)
        with subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-c", _REKEY, str(path), str(current)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(secrets.randbelow(60_000) / 1_000_000)
            process.send_signal(signal.SIGKILL)
        with Vault.open(path, PASSPHRASES[_only_one_that_opens(path)]) as vault:
            assert {address: vault.get(address) for address in vault.addresses()} == values


def _only_one_that_opens(path: Path) -> int:
    opening = []
    for index, passphrase in enumerate(PASSPHRASES):
        try:
            Vault.open(path, passphrase).close()
        except WrongPassphrase:
            continue
        opening.append(index)
    assert len(opening) == 1
    return opening[0]
