"""Composition root of the escrow's service: the one place where its parts are put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from api.service import (
    problems,
    reference,
    routes_counting,
    routes_ledger,
    routes_lists,
    routes_openings,
    routes_partners,
    routes_policies,
    routes_releases,
    routes_rooms,
)
from api.service.desk import Desk
from api.service.signatures import SignedExchange
from cleanroom.messages.api import Problem
from escrow import schema

DESCRIPTION: Final = """
Every request carries an HTTP message signature (RFC 9421, Ed25519) of an enrolled partner, every response to one the
escrow's. Writes are PUTs at addresses that the client chooses: the same request again gets the same answer. What is
another's and what does not exist look alike. Refusals are problems (RFC 9457) with a stable `code`.
"""


def create_app(desk: Desk) -> ASGIApp:
    """The service on these parts. Its database is at this version's schema, and is disposed of at shutdown.

    Raises:
        SchemaMissing: the database has to be migrated first.
    """
    schema.require_current(desk.database)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.bell.close()
        desk.database.dispose()

    app = FastAPI(
        title="Cleanroom escrow",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        responses=_problem_responses(),
    )
    app.state.desk = desk
    problems.install(app)
    reference.install(app)
    for routes in (
        *(routes_partners, routes_rooms, routes_lists, routes_policies, routes_openings, routes_releases),
        *(routes_counting, routes_ledger),
    ):
        app.include_router(routes.router)
    return SignedExchange(app, desk)


def _problem_responses() -> dict[int | str, dict[str, Any]]:
    """Every status of the table, with the codes that it stands for."""
    codes: dict[int, list[str]] = {}
    for code, (status, _) in problems.PROBLEMS.items():
        codes.setdefault(status, []).append(code)
    return {
        status: {
            "model": Problem,
            "description": ", ".join(f"`{code}`" for code in listed),
            "content": {
                problems.MEDIA_TYPE: {
                    "example": Problem(
                        type=f"urn:cleanroom:problem:{listed[0]}",
                        title=problems.PROBLEMS[listed[0]][1],
                        status=status,
                        code=listed[0],
                        detail="What broke which rule, never a value.",
                    ).model_dump()
                }
            },
        }
        for status, listed in sorted(codes.items())
    }
