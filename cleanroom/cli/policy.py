"""`cleanroom policy`: what leaves here, field by field. Each group of commands has a file of its own."""

import typer

from cleanroom.cli import (
    policy_check,
    policy_compare,
    policy_consent,
    policy_drafts,
    policy_explain,
    policy_history,
    policy_init,
    policy_request,
    policy_show,
    policy_view_as,
)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Policies: what the other side may see of your accounts, field by field. Writing one: docs/policy.md.",
)

policy_init.add_to(app)
policy_check.add_to(app)
policy_show.add_to(app)
policy_explain.add_to(app)
policy_compare.add_to(app)
policy_view_as.add_to(app)
policy_consent.add_to(app)
policy_drafts.add_to(app)
policy_request.add_to(app)
policy_history.add_to(app)
