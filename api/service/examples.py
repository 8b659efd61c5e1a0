"""Examples on the OpenAPI page. They show shapes; their signatures are made up."""

from typing import Final

from fastapi.openapi.models import Example

_PARTNER = "0f" * 16
_SIGNATURE = {"signer": _PARTNER, "signature": "5a" * 64}

NOTHING: Final[dict[str, Example]] = {"nothing": Example(summary="An empty object", value={})}
SIGNATURE: Final[dict[str, Example]] = {
    "signature": Example(summary="A member's signature under terms", value={"signature": _SIGNATURE})
}
DOCUMENT: Final[dict[str, Example]] = {
    "withdrawal": Example(
        summary="A signed document: the exact text that was signed, and the signatures under it",
        value={
            "document": '{"created":"2026-03-01T09:00:00Z","partner":"'
            + _PARTNER
            + '","reason":"left","room":"'
            + "a1" * 16
            + '","type":"withdrawal/1"}',
            "signatures": [_SIGNATURE],
        },
    )
}
ENROLMENT: Final[dict[str, Example]] = {
    "enrolment": Example(
        summary="The invite's secret and the signed enrolment (sealing key shortened)",
        value={
            "invite": "7e" * 32,
            "enrolment": {
                "document": '{"created":"2026-03-01T09:00:00Z","escrow_key":"'
                + "e5" * 32
                + '","identity_key":"'
                + "1d" * 32
                + '","kind":"isv","name":"Example ISV","sealing_key":"...","type":"enrolment/1"}',
                "signatures": [_SIGNATURE],
            },
        },
    )
}
