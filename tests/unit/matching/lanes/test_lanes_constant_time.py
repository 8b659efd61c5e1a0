"""Nothing secret decides what the machine code does next, or where: read off the code itself (`assembly.py`).

Of the variants that this machine can run it is the code that runs; the others are compiled for a CPU that has them.
Additions and products of doubles take the same time unless a number is subnormal, and none is: limbs are integers
(`test_lanes_field.py`).
"""

import re
from collections.abc import Callable
from typing import Final

import pytest
from assembly import Function, functions, leaks
from llvmlite import ir

from matching.lanes import machine
from matching.lanes.code import POINTER, Code, Value
from matching.lanes.machine import VARIANTS, Variant, compiled, runs_here, written

OTHERS: Final = {
    "fma": ("haswell", "skylake", "znver1", "znver3", "znver5"),
    "ifma": ("icelake-server", "sapphirerapids", "znver4", "znver5"),
}
"""CPUs, as LLVM calls them, that differ in what they are compiled to."""
QUICK: Final = {"ifma-8-sapphirerapids", *(f"{variant.name}-here" for variant in VARIANTS)}
"""Not only in `make soak`."""
CASES: Final = [
    pytest.param(variant, cpu, id=name, marks=[] if name in QUICK else [pytest.mark.soak])
    for variant in VARIANTS
    for cpu in [*([""] if runs_here(variant) else []), *OTHERS[variant.field.NAME]]
    for name in [f"{variant.name}-{cpu or 'here'}"]
]


BY_PUBLIC_DIGITS: Final = {"combine_fill"}
"""Puts points into buckets by the digits of public weights (`combine.py`)."""


def loops_of(text: str) -> dict[str, int]:
    """For each function of LLVM's text, the places where it may go two ways. Each is a loop: see `Code.loop`."""
    bodies = re.split(r"^define ", text, flags=re.MULTILINE)[1:]
    names = [re.search(r'@"?([\w.]+)"?\(', body) for body in bodies]
    return {name[1]: len(re.findall(r"\bbr i1 ", body)) for name, body in zip(names, bodies, strict=True) if name}


@pytest.mark.parametrize(("variant", "cpu"), CASES)
def test_no_secret_shows_in_the_machine_code(variant: Variant, cpu: str) -> None:
    text = written(variant)
    assert not re.findall(r"\b(?:select|switch|indirectbr) ", text)
    loops = loops_of(text)
    features = "" if not cpu else "-prefer-256-bit"
    found = functions(compiled(variant, cpu_name=cpu, features=features, assembly=True).decode())
    assert found.keys() == loops.keys()
    for name, function in found.items():
        shown = leaks(function, found)
        if name in BY_PUBLIC_DIGITS:
            shown = [leak for leak in shown if "an address that depends" not in leak]
        assert shown == [], name
        assert len(function.jumps()) <= loops[name], "the compiler went two ways where the code goes one"
    assert sum(len(function.jumps()) for function in found.values()) >= 10
    assert {"multiply_points", "multiply_hashed", "recode", "sha512", "sha256"} <= found.keys()


# ---- the analysis sees what it is there for


def planted(write: Callable[[Code, Value, Value], None], monkeypatch: pytest.MonkeyPatch) -> Function:
    """The machine code of a function of two places, of which the second holds a secret."""
    module = ir.Module("planted")
    module.triple = machine.llvm.get_process_triple()
    code = Code(module, "planted", [POINTER, POINTER], lanes=4)
    write(code, *code.function.args)
    code.end()
    monkeypatch.setattr(machine, "written", lambda _variant: str(module))
    return functions(compiled(VARIANTS[-1], cpu_name="haswell", assembly=True).decode())["planted"]


def branch(code: Code, out: Value, secret: Value) -> None:
    odd = code.builder.trunc(code.builder.load(secret), ir.IntType(1))
    with code.builder.if_then(odd):
        code.store(out, code.splat(1))


def early_end(code: Code, out: Value, secret: Value) -> None:
    with code.loop(code.builder.load(secret)) as index:
        code.builder.store(code.builder.mul(index, index), code.at(out, index), align=8)


def lane_branch(code: Code, out: Value, secret: Value) -> None:
    lane = code.builder.extract_element(code.load(secret), ir.Constant(ir.IntType(32), 2))
    with code.builder.if_then(code.builder.icmp_unsigned("==", lane, code.number(7))):
        code.store(out, code.splat(1))


def table(code: Code, out: Value, secret: Value) -> None:
    code.builder.store(code.builder.load(code.at(out, code.builder.load(secret))), out)


def write_where(code: Code, out: Value, secret: Value) -> None:
    code.builder.store(code.number(1), code.at(out, code.builder.and_(code.builder.load(secret), code.number(15))))


def vector_table(code: Code, out: Value, secret: Value) -> None:
    words = code.load(secret)
    for lane in range(4):
        index = code.builder.extract_element(words, ir.Constant(ir.IntType(32), lane))
        code.builder.store(code.builder.load(code.at(out, index)), code.at(out, lane))


def division(code: Code, out: Value, secret: Value) -> None:
    code.builder.store(code.builder.udiv(code.number(2**40), code.builder.load(secret)), out)


def root(code: Code, out: Value, secret: Value) -> None:
    kind = code.doubles
    sqrt = ir.Function(code.module, ir.FunctionType(kind, [kind]), "llvm.sqrt.v4f64")
    code.store(out, code.builder.call(sqrt, [code.load(secret, kind)]))


def function_table(code: Code, out: Value, secret: Value) -> None:
    kind = ir.FunctionType(ir.VoidType(), [POINTER])
    code.builder.call(code.builder.inttoptr(code.builder.load(secret), kind.as_pointer()), [out])


def argument(code: Code, out: Value, secret: Value) -> None:
    """A callee's arguments are taken for public, so that no caller may give it anything else."""
    callee = ir.Function(code.module, ir.FunctionType(ir.VoidType(), [ir.IntType(64), POINTER]), "callee")
    code.builder.call(callee, [code.builder.load(secret), out])
    code.builder.call(callee, [code.number(0), out])


PLANTED: Final = {
    branch: "a jump",
    early_end: "a jump on something secret",
    lane_branch: "a jump",
    table: "an address",
    write_where: "an address",
    vector_table: "an address",
    division: "a time that depends",
    root: "a time that depends",
    function_table: "not written in the code",
    argument: "an argument is secret",
}


@pytest.mark.parametrize("write", PLANTED, ids=lambda write: write.__name__)
def test_a_planted_leak_is_found(write: Callable[[Code, Value, Value], None], monkeypatch: pytest.MonkeyPatch) -> None:
    found = leaks(planted(write, monkeypatch), {})
    assert any(PLANTED[write] in leak for leak in found), found


def test_plain_arithmetic_is_no_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(code: Code, out: Value, secret: Value) -> None:
        with code.loop(7) as index:
            code.store(
                code.at(out, code.builder.mul(index, code.number(4))), code.builder.mul(*[code.load(secret)] * 2)
            )

    assert leaks(planted(write, monkeypatch), {}) == []
