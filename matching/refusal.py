"""The one error of the kernel: an input that a rule refuses, named by place and rule, never by value."""


class Refusal(ValueError):
    """An input is refused. `code` is stable, `place` says where (for example "row 17"), `rule` what was broken."""

    def __init__(self, code: str, rule: str, *, place: str = "") -> None:
        self.code = code
        self.rule = rule
        self.place = place
        super().__init__(f"{place}: {rule}" if place else rule)
