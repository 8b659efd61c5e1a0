"""Compiled kernels as files. A file's name says all that its code depends on: variant, sources, compiler, CPU.

It is machine code that this process will run, so the folder must belong to the user alone.
"""

import hashlib
import os
import stat
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Final

import platformdirs

from matching.lanes import machine
from matching.lanes.machine import Kernel, Variant

CHECKSUM_BYTES: Final = 32


def default_folder() -> Path:
    """Where compiled kernels are kept."""
    return platformdirs.user_cache_path("cleanroom", appauthor=False) / "kernel"


def kept_at(variant: Variant, folder: Path) -> Path:
    """The file of a variant for this CPU and these sources."""
    digest = hashlib.sha256()
    for source in sorted(files("matching.lanes").iterdir(), key=lambda entry: entry.name):
        if source.name.endswith(".py"):
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    digest.update("\0".join([machine.versions(), *machine.cpu()]).encode())
    return folder / f"{variant.name}-{digest.hexdigest()[:32]}.o"


def load(variant: Variant, folder: Path) -> Kernel | None:
    """The kept kernel, tested; None if there is none.

    Raises:
        ValueError: if the folder or the file is not to be trusted, or the kernel gives wrong answers.
    """
    path = kept_at(variant, folder)
    if not path.exists():
        return None
    _require_private(folder)
    content = path.read_bytes()
    code = content[CHECKSUM_BYTES:]
    if hashlib.sha256(code).digest() != content[:CHECKSUM_BYTES]:
        raise ValueError(f"{path} is damaged: remove it")
    return Kernel(variant, code)


def keep(variant: Variant, folder: Path) -> Kernel:
    """Compile a variant, test it, and keep it: whole or not at all.

    Raises:
        ValueError: if the folder is not private, or the kernel gives wrong answers.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_private(folder)
    code = machine.compiled(variant)
    kernel = Kernel(variant, code)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(hashlib.sha256(code).digest() + code)
    Path(file.name).replace(kept_at(variant, folder))
    return kernel


def _require_private(folder: Path) -> None:
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ValueError(f"{folder} must belong to this user and be writable by nobody else")
