"""Kernels for the tests: each variant is compiled once a session, whatever the number of workers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from ifma_model import each_variant

from cleanroom.kernel import kept
from matching.lanes import chosen, machine
from matching.lanes.machine import Kernel, Variant


@pytest.fixture(scope="session")
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this session's kernels."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if own.name.startswith("popen-") else own) / "kernels"


def once(variant: Variant, folder: Path) -> Kernel:
    """Compiled by whichever worker comes first."""
    with FileLock(f"{folder}-{variant.name}.lock"):
        return kept.load(variant, folder) or kept.keep(variant, folder)


@pytest.fixture(scope="session", params=each_variant(long="model-4"))
def kernel(request: pytest.FixtureRequest, compiled_once: Path) -> Kernel:
    """Each kernel that can run here."""
    return once(request.param, compiled_once)


@pytest.fixture(scope="session")
def best(compiled_once: Path) -> tuple[Variant, bytes]:
    """The variant that this machine would choose, and its kept file."""
    variant = machine.best()
    if variant is None:
        pytest.skip("no kernel for this CPU")
    once(variant, compiled_once)
    return variant, kept.kept_at(variant, compiled_once).read_bytes()


@pytest.fixture
def offered(kernel: Kernel) -> Iterator[Kernel]:
    """The kernel, for `matching.group` to use for batches that are worth it."""
    chosen.offer(lambda: kernel)
    assert chosen.kernel(chosen.WORTH_LOADING) is kernel
    yield kernel
    chosen.offer(None)
