"""Valid notices between the members of a room."""

import hashlib
from typing import Any

from conftest import Setting
from partner import Partner

from cleanroom.messages.api import NoticeBody
from cleanroom.messages.documents import instant
from cleanroom.messages.notices import Notice, Words, pad_words
from cleanroom.messages.sealing import seal

MATCH = {"epoch": 0, "first": "a1" * 16, "second": "b2" * 16}


def notice(setting: Setting, sender: Partner, words: bytes, **changes: Any) -> Notice:  # noqa: ANN401 - any field
    recipient = setting.bo if sender is setting.ana else setting.ana
    fields = {
        "room": setting.room,
        "sender": sender.id,
        "recipient": recipient.id,
        "number": 1,
        "kind": "dispute",
        "match": MATCH,
        "sealed": hashlib.sha256(words).hexdigest(),
        "created": instant(sender.clock()),
    }
    return Notice.model_validate({**fields, **changes})


def sealed_words(setting: Setting, text: str = "not the same company") -> bytes:
    return seal(pad_words(Words(text=text)), setting.bo.sealing.public_bytes(), b"context")


def put_notice(sender: Partner, document: Notice, words: bytes, number: int = 1) -> Any:  # noqa: ANN401 - a response
    body = NoticeBody(notice=sender.sign(document), words=words.hex())
    return sender.put(f"/v1/rooms/{document.room}/notices/{sender.id}/{number}", body)
