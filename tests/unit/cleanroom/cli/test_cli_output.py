import io
import json

import pytest

from cleanroom.agent.problems import EscrowProblem
from cleanroom.cli.output import Output, printable
from cleanroom.domain.errors import InputRefused


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[31mb", "a\ufffd[31mb"), ("a\nb\tc", "a b c"), ("\u202eabc", "\ufffdabc"), ("Müller & Co", "Müller & Co")],
)
def test_text_of_others_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_markup_in_text_of_others_is_text() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(out, err)
    output.result({}, "[red]Acme[/red] :smile:")
    output.say("[bold]x[/bold]")
    assert (out.getvalue(), err.getvalue()) == ("[red]Acme[/red] :smile:\n", "[bold]x[/bold]\n")


def test_a_text_is_printed_line_by_line_however_long_and_cannot_steer_the_terminal() -> None:
    out, err = io.StringIO(), io.StringIO()
    Output(out, err).text({}, "x" * 300 + "\n\n[red]\x1b[31m\x85\n")
    assert out.getvalue() == "x" * 300 + "\n\n[red]\ufffd[31m \n"


def test_json_is_alone_on_standard_output() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(out, err)
    output.as_json = True
    output.say("working")
    output.result({"name": "Zoë"}, "for people")
    assert json.loads(out.getvalue()) == {"name": "Zoë"}
    assert err.getvalue() == "working\n"


def test_an_error_is_one_line_for_people() -> None:
    out, err = io.StringIO(), io.StringIO()
    Output(out, err).error(InputRefused("column website: " + "not a domain " * 20))
    assert out.getvalue() == ""
    assert err.getvalue().startswith("error: column website")
    assert err.getvalue().count("\n") == 1


def test_an_error_is_a_document_for_scripts_with_the_escrows_own_code() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(out, err)
    output.as_json = True
    output.error(EscrowProblem("room_expired", title="expired", status=409))
    found = json.loads(out.getvalue())
    assert found["error"]["code"] == "escrow_problem"
    assert found["error"]["problem"] == "room_expired"
    assert err.getvalue() == ""
