"""The field that every bench plays on: an escrow process, two agent processes, a room, lists in files."""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.local import UNSAFE_TERMS, Escrow, Partner, agreed_room, enrolled, running_escrow

TERMS = (
    *("--purpose", "bench", "--kinds", "domain", *UNSAFE_TERMS),
    *("--quota", "5000000", "--my-size", "5000000", "--their-size", "5000000"),
)
"""One key an account, as the peers have it."""
NAMES = ("Acme", "Globex")


@dataclass(slots=True)
class Worker:
    """An agent process (`bench.agent`)."""

    process: "subprocess.Popen[str]"

    def send(self, order: str) -> None:
        """Give an order; `result` waits for it."""
        if self.process.stdin is None:
            raise RuntimeError("the worker has no stdin")
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """What the last order came to."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise RuntimeError("a worker died; its error is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass(frozen=True, slots=True)
class Field:
    """Two partners, ready to push."""

    folder: Path
    escrow: Escrow
    partners: list[Partner]
    workers: list[Worker]

    def order(self, *orders: str) -> list[dict[str, Any]]:
        """Give each worker its order at once, and wait for both."""
        for worker, text in zip(self.workers, orders, strict=True):
            worker.send(text)
        return [worker.result() for worker in self.workers]


@contextmanager
def field(*terms: str, database: str | None = None) -> Iterator[Field]:
    """An escrow, two enrolled partners in one room, and their agents' processes up and waiting."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cleanroom-bench-")))
        escrow = stack.enter_context(running_escrow(folder / "escrow", database))
        partners = enrolled(folder, escrow, [(name, "isv") for name in NAMES])
        room = agreed_room(partners[0], partners[1], "Bench", *TERMS, *terms)
        workers = []
        for partner in partners:
            process = subprocess.Popen(
                [sys.executable, "-m", "bench.agent", str(partner.home), room],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(_end, process)
            workers.append(Worker(process))
        for worker in workers:
            worker.result()
        yield Field(folder, escrow, partners, workers)


def websites(path: Path, names: Iterator[str] | list[str]) -> Path:
    """A list with one column, one account per website."""
    path.write_text("Account ID,Website\n" + "".join(f"{i},{name}\n" for i, name in enumerate(names)))
    return path


def escrow_usage(escrow: Escrow) -> tuple[float, float]:
    """CPU seconds and peak megabytes of the escrow's process so far (Linux)."""
    place = Path(f"/proc/{escrow.process.pid}")
    ticks = place.joinpath("stat").read_text().rsplit(")", 1)[1].split()
    peak = next(line for line in place.joinpath("status").read_text().splitlines() if line.startswith("VmHWM"))
    return (int(ticks[11]) + int(ticks[12])) / 100, int(peak.split()[1]) / 1e3


def machine() -> str:
    """The processor and the interpreter that figures come from (Linux)."""
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    ifma = "with" if "avx512ifma" in Path("/proc/cpuinfo").read_text() else "without"
    name = model.group(1).strip() if model else platform.processor()
    return f"{os.cpu_count()} x {name} ({ifma} AVX-512 IFMA), Python {platform.python_version()}"


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()
