"""What a kernel's machine code does with secrets: a small analysis of its text, instruction by instruction.

Secret is whatever was read from memory that a caller passed (scalars, masks, rows, tables), whatever was in a vector
register, and what was computed of these. Public are the arguments, which are places and counts, and constants. For each
function, `leaks` names every place where something secret decides which instruction comes next, which memory is
accessed, how a flag for a jump is set, or goes into an instruction whose time depends on its operands.

Moves under a condition (`cmov`) and blends take the same time either way: Intel counts them among the instructions with
data-operand-independent timing. They pass secrecy on.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

SYMBOL, PUBLIC, SECRET = 0, 1, 2
"""What is known of a register: an address of the module itself, something public, anything."""
GENERAL: Final = {
    **{name: f"r{name[-2:]}" for name in ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp")},
    **{f"e{two}": f"r{two}" for two in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")},
    **{two: f"r{two}" for two in ("ax", "bx", "cx", "dx", "si", "di")},
    **{f"{letter}l": f"r{letter}x" for letter in "abcd"},
    **{f"{two}l": f"r{two}" for two in ("si", "di", "bp")},
    **{f"r{n}{end}": f"r{n}" for n in range(8, 16) for end in ("", "d", "w", "b")},
}
SIZES: Final = {"%x": 16, "%y": 32, "%z": 64, "kmovb": 1, "kmovw": 2, "kmovd": 4}
"""Bytes that are stored at most, from such a register or by such an instruction; by others 8."""
ARGUMENTS: Final = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
SPOILT_BY_CALLS: Final = (*ARGUMENTS, "rax", "r10", "r11")
VARIABLE_TIME: Final = re.compile(
    r"i?div|v?div|v?sqrt|v?rcp|v?rsqrt|vp?gather|vp?scatter|vp?compress|vp?expand|rep|loop|j[er]?cxz|pdep|pext|bsf|bsr|xlat"
    r"|cpuid|rdrand|f[a-z]|maskmov|vp?maskmov|in[sb]|out|sys|int"
)
KEEPS_FLAGS: Final = re.compile(
    r"mov|lea|cmov|set|push|pop|call|not|bswap|nop|v|k(?!ortest|test)|[sr][ahl][rl]x|rorx|mulx|pdep"
)
SETS_FLAGS_OF_VECTORS: Final = re.compile(r"v?p?test[bwdqps]*$|v?u?comis|k(or)?test")
ONLY_READS: Final = re.compile(r"cmp|test|push|vp?test|v?u?comis|k(or)?test|bt[lq]?$")
OVERWRITES: Final = re.compile(r"mov|lea|set|pop|v|k|[sr][ahl][rl]x|rorx|andn|bzhi|blsr|blsi|lzcnt|tzcnt|popcnt")
IN_MEMORY: Final = re.compile(r"^(?P<offset>[^(]*)\((?:%(?P<base>\w+))?(?:,%(?P<index>\w+)(?:,[1248])?)?\)$")


@dataclass(frozen=True)
class Instruction:
    """One line: its number, and what it does to which operands (AT&T order: the last is written)."""

    line: int
    name: str
    operands: tuple[str, ...]

    def __str__(self) -> str:
        return f"line {self.line}: {self.name} {', '.join(self.operands)}"


@dataclass
class Function:
    """Instructions, and the instruction that each label stands before."""

    instructions: list[Instruction] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)

    def takes(self, module: dict[str, "Function"]) -> set[str]:
        """The argument registers that it reads before it writes them; those of its first callee, if it is a caller.

        Text is in the order of time here: jumps go back only.
        """
        read: set[str] = set()
        holds: dict[str, str] = {}
        written: set[str] = set()
        for one in self.instructions:
            if one.name.startswith(("call", "jmp")):
                callee = module.get(holds.get(one.operands[0], one.operands[0]))
                return read | ((callee.takes(module) if callee else set(ARGUMENTS)) - written)
            anew = _only_writes(one)
            used = [*one.operands[:-1], re.sub("^%.*", "", one.operands[-1])] if anew else one.operands
            read |= {GENERAL.get(name, "") for name in re.findall(r"%(\w+)", " ".join(used))} & set(ARGUMENTS) - written
            if anew:
                written.add(GENERAL.get(one.operands[-1][1:], ""))
                holds["*" + one.operands[-1]] = one.operands[0].removeprefix("$")
        return read

    def jumps(self) -> list[Instruction]:
        """All that may go two ways."""
        return [one for one in self.instructions if one.name.startswith("j") and not one.name.startswith("jmp")]


def _only_writes(one: Instruction) -> bool:
    """Whether it makes its last operand anew; XOR of a register with itself does too."""
    same = one.name.startswith("xor") and len(set(one.operands)) == 1
    three = one.name.startswith("imul") and len(one.operands) == 3
    return bool(one.operands) and (same or three or bool(OVERWRITES.match(one.name) and not ONLY_READS.match(one.name)))


def _size(one: Instruction) -> int:
    """Bytes that it stores at most."""
    return SIZES.get(one.name) or max(SIZES.get(operand[:2], 8) for operand in one.operands)


def functions(text: str) -> dict[str, Function]:
    """The functions of an assembly text."""
    named = set(re.findall(r"^\t\.type\t([^.,][^,]*),@function", text, flags=re.MULTILINE))
    found: dict[str, Function] = {}
    current = Function()
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.split("#")[0].rstrip()
        if label := re.match(r"^([\w.$]+):$", bare):
            if label[1] in named:
                current = found[label[1]] = Function()
            elif label[1].startswith(".Lfunc_end"):
                current = Function()
            current.labels[label[1]] = len(current.instructions)
        elif instruction := re.match(r"^\t([a-z]\w*)(?:\t(.*))?$", bare):
            name, rest = instruction[1], re.sub(r",?\s*\{[^}]*\}", "", instruction[2] or "")
            operands = re.findall(r"(?:[^,(\s]|\([^)]*\))+", rest)
            current.instructions.append(Instruction(number, name, tuple(operands)))
    return found


class _State:
    """What is known before an instruction."""

    def __init__(
        self, registers: dict[str, int], slots: dict[int, int], flags: int, names: dict[str | int, str]
    ) -> None:
        self.registers, self.slots, self.flags = registers, slots, flags
        self.names = names
        """Which symbol a register or slot holds, where that is known."""

    @classmethod
    def at_entry(cls) -> "_State":
        return cls({"rsp": PUBLIC} | dict.fromkeys(ARGUMENTS, PUBLIC), {}, SECRET, {})

    def copy(self) -> "_State":
        return _State(dict(self.registers), dict(self.slots), self.flags, dict(self.names))

    def register(self, name: str) -> int:
        return self.registers.get(GENERAL[name], SECRET) if name in GENERAL else SECRET

    def join(self, other: "_State") -> "_State":
        return _State(
            {
                name: max(self.registers[name], other.registers[name])
                for name in self.registers.keys() & other.registers
            },
            {place: max(self.slots[place], other.slots[place]) for place in self.slots.keys() & other.slots},
            max(self.flags, other.flags),
            dict(self.names.items() & other.names.items()),
        )

    def same(self, other: "_State") -> bool:
        return vars(self) == vars(other)


class _Analysis:
    def __init__(self, function: Function, module: dict[str, Function]) -> None:
        self.function, self.module, self.found = function, module, dict[str, None]()
        frames = any(one.name == "movq" and one.operands == ("%rsp", "%rbp") for one in function.instructions)
        self.stack = {"rsp", "rbp"} if frames else {"rsp"}

    def run(self) -> list[str]:
        """Go through all paths until nothing new is learnt."""
        at_label = {0: _State.at_entry()}
        waiting = [0]
        while waiting:
            at = waiting.pop()
            state = at_label[at].copy()
            while at < len(self.function.instructions):
                one = self.function.instructions[at]
                for target in self._step(one, state):
                    before = at_label.get(target)
                    joined = state.copy() if before is None else before.join(state)
                    if before is None or not joined.same(before):
                        at_label[target] = joined
                        waiting.append(target)
                if one.name.startswith(("jmp", "ret", "ud2")):
                    break
                at += 1
                if at in self.function.labels.values():
                    before = at_label.get(at)
                    joined = state.copy() if before is None else before.join(state)
                    if before is not None and joined.same(before):
                        break
                    at_label[at] = joined
                    state = joined.copy()
        return list(self.found)

    def _leak(self, one: Instruction, what: str) -> None:
        self.found[f"{one}: {what}"] = None

    def _step(self, one: Instruction, state: _State) -> Iterator[int]:
        """Judge an instruction, change the state by it, and give where it may jump."""
        if VARIABLE_TIME.match(one.name):
            self._leak(one, "takes a time that depends on its operands, or is not known here")
        if not one.name.startswith("lea"):  # which computes an address, and goes to none
            for operand in one.operands:
                self._address(one, operand, state)
        if one.name.startswith("j"):
            yield from self._jump(one, state)
        elif one.name.startswith("call"):
            self._call(one, state)
        elif one.name.startswith("pop"):
            state.registers[GENERAL[one.operands[0][1:]]] = SECRET
            state.names.pop(GENERAL[one.operands[0][1:]], None)
        elif one.operands and not one.name.startswith(("push", "ret")):
            self._compute(one, state)
        if one.name.startswith("push") or (one.operands and one.operands[-1] == "%rsp"):
            state.slots.clear()  # they are called otherwise from here on
            state.names = {place: name for place, name in state.names.items() if isinstance(place, str)}

    def _jump(self, one: Instruction, state: _State) -> Iterator[int]:
        target = one.operands[0]
        if one.name.startswith("jmp"):
            if target.startswith("*"):
                self._callee(one, target, state)
            elif target in self.function.labels:
                yield self.function.labels[target]
            return
        if state.flags == SECRET:
            self._leak(one, "a jump on something secret")
        if self.function.labels.get(target, 10**9) > self.function.instructions.index(one):
            self._leak(one, "a jump that is no loop")
        else:
            yield self.function.labels[target]

    def _call(self, one: Instruction, state: _State) -> None:
        self._callee(one, one.operands[0], state)
        for name in SPOILT_BY_CALLS:
            state.registers[name] = SECRET
            state.names.pop(name, None)
        state.flags = SECRET

    def _callee(self, one: Instruction, target: str, state: _State) -> None:
        """A function of the module, or one of its neighbours by name."""
        if target.startswith("*") and self._value(target[1:], state) != SYMBOL:
            self._leak(one, "goes to an address that was not written in the code")
        name = state.names.get(GENERAL.get(target[2:], ""), "") if target.startswith("*") else target
        taken = self.module[name].takes(self.module) if name in self.module else ARGUMENTS
        for register in ARGUMENTS:
            if register in taken and state.registers.get(register, SECRET) == SECRET:
                self._leak(one, f"an argument is secret: {register}")

    def _address(self, one: Instruction, operand: str, state: _State) -> None:
        if place := IN_MEMORY.match(operand.lstrip("*")):
            for part in ("base", "index"):
                if place[part] and place[part] != "rip" and state.register(place[part]) == SECRET:
                    self._leak(one, f"an address that depends on something secret: {operand}")

    def _slot(self, operand: str) -> int | None:
        """The offset of a place on the stack; frames by rbp are kept apart."""
        place = IN_MEMORY.match(operand)
        if place is None or place["base"] not in self.stack or place["index"]:
            return None
        return int(place["offset"] or "0", 0) + (10**9 if place["base"] == "rbp" else 0)

    def _value(self, operand: str, state: _State) -> int:
        if operand.startswith("$"):
            return SYMBOL if re.match(r"\$[A-Za-z_.]", operand) else PUBLIC
        if operand.startswith("%"):
            return state.register(operand[1:])
        slot = self._slot(operand)
        return SECRET if slot is None else state.slots.get(slot, SECRET)

    def _compute(self, one: Instruction, state: _State) -> None:
        *sources, target = one.operands
        if one.name.startswith("lea"):
            place = IN_MEMORY.match(sources[0])
            parts = [place[part] for part in ("base", "index") if place and place[part]]
            values = [PUBLIC, *(state.register(part) for part in parts if part != "rip")]
        else:
            values = [self._value(source, state) for source in sources]
            overwrites = OVERWRITES.match(one.name) or (one.name.startswith("imul") and len(sources) == 2)
            if not overwrites or ONLY_READS.match(one.name):
                values.append(self._value(target, state))
            if one.name.startswith(("cmov", "set", "adc", "sbb")):
                values += [state.flags, self._value(target, state)]
        zeroed = one.name.startswith(("xor", "sub")) and sources == [target]
        value = PUBLIC if zeroed else max(values, default=PUBLIC)
        if value == SYMBOL and not one.name.startswith("mov"):
            value = PUBLIC
        if SETS_FLAGS_OF_VECTORS.match(one.name):
            state.flags = SECRET if one.name.startswith(("v", "k")) else value
        elif not KEEPS_FLAGS.match(one.name):
            state.flags = value
        if not ONLY_READS.match(one.name):
            name = self._name(sources[0], state) if one.name.startswith("mov") and sources else None
            self._write(target, value, state, name=name, size=_size(one))

    def _name(self, operand: str, state: _State) -> str | None:
        if operand.startswith("$"):
            return operand[1:]
        key = GENERAL.get(operand[1:], "") if operand.startswith("%") else self._slot(operand)
        return None if key is None else state.names.get(key)

    def _write(self, target: str, value: int, state: _State, *, name: str | None, size: int) -> None:
        if target.startswith("%"):
            if target[1:] in GENERAL and GENERAL[target[1:]] != "rsp":
                state.registers[GENERAL[target[1:]]] = value
                state.names.pop(GENERAL[target[1:]], None)
                if name:
                    state.names[GENERAL[target[1:]]] = name
            return
        slot = self._slot(target)
        if slot is not None:
            for other in [other for other in state.slots if slot - 8 < other < slot + size]:
                del state.slots[other]
                state.names.pop(other, None)
            state.slots[slot] = value
            if name:
                state.names[slot] = name


def leaks(function: Function, module: dict[str, Function]) -> list[str]:
    """Each place where something secret shows, in words. `module` has the functions that it may call."""
    return _Analysis(function, module).run()
