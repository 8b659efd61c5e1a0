"""The API's reference as one page, made from its own OpenAPI document. It loads nothing from anywhere.

(FastAPI's own page loads its scripts from a content network: an operator's browser would tell a stranger.)
"""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import FastAPI
from starlette.responses import HTMLResponse

STYLE: Final = """
:root { color-scheme: light dark } body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto;
padding: 0 1rem } code, pre { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap }
section { border-top: 1px solid #8884; margin-top: 1.5rem } table { border-collapse: collapse }
td { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top }
h2 code { font-size: 15px } summary { cursor: pointer }
"""


def install(app: FastAPI) -> None:
    """Serve the page at /docs."""

    @app.get("/docs", include_in_schema=False)
    def reference() -> HTMLResponse:
        return HTMLResponse(page(app.openapi()))


def page(openapi: Mapping[str, Any]) -> str:
    """The page: each operation with its parameters, an example of its body, and its refusals."""
    title, about = escape(openapi["info"]["title"]), escape(openapi["info"]["description"])
    operations = [
        (method.upper(), path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    body = "".join(_operation(*operation) for operation in operations)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f'<h1>{title}</h1><p>{about}</p><p>For machines: <a href="/openapi.json">openapi.json</a></p>{body}</html>'
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(item['name'])}</code></td><td>{escape(item.get('description', ''))}</td></tr>"
        for item in operation.get("parameters", [])
    )
    examples = "".join(
        f"<details><summary>{escape(summary)}</summary><pre>{escape(text)}</pre></details>"
        for summary, text in _examples(operation)
    )
    answers = "".join(
        f"<tr><td><code>{status}</code></td><td>{escape(answer['description'])}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<section><h2><code>{method} {escape(path)}</code></h2><p><b>{escape(operation.get('summary', ''))}.</b> "
        f"{escape(operation.get('description', ''))}</p><table>{parameters}</table>{examples}"
        f"<details><summary>Answers</summary><table>{answers}</table></details></section>"
    )


def _examples(operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    parts = [("Body", operation.get("requestBody", {})), ("Answer", operation["responses"].get("200", {}))]
    for part, holder in parts:
        for kind, content in holder.get("content", {}).items():
            found = content.get("examples") or ({"": {"value": content["example"]}} if "example" in content else {})
            for example in found.values():
                heading = f"{part}, {kind}: {example.get('summary', 'example')}"
                yield heading, json.dumps(example["value"], indent=2, ensure_ascii=False)
