"""Who may speak to the escrow, and how: signatures, replays, sizes, and what nobody can tell apart."""

import json
import secrets

import pytest
from conftest import Escrow, Setting
from httpx2 import Response
from partner import Partner, code_of, make_terms

from api.service.signatures import MAX_SMALL_BYTES
from cleanroom.messages.http_signatures import LIFETIME, SKEW
from escrow.snapshots import MAX_SEALED_BYTES
from escrow.tables import Nonce


def test_the_escrow_says_who_it_is_without_a_signature(escrow: Escrow) -> None:
    answer = escrow.http.get("/v1/escrow")
    assert answer.json() == {
        "host": "",
        "key": escrow.desk.key.public.hex(),
        "protocol": "cleanroom/1",
        "now": "2026-03-01T09:00:00Z",
    }


def test_the_reference_page_shows_every_operation_and_loads_nothing(escrow: Escrow) -> None:
    described = escrow.http.get("/openapi.json").json()["paths"]
    shown = escrow.http.get("/docs").text
    assert all(f"{method.upper()} {path}" in shown for path, methods in described.items() for method in methods)
    assert "<script" not in shown
    assert " src=" not in shown
    assert "http://" not in shown
    assert "https://" not in shown


@pytest.mark.parametrize("path", ["/v1/partners", "/v1/rooms", "/v1/changes?after=0", "/v1/rooms/" + "a" * 32, "/x"])
def test_unsigned_requests_are_refused(escrow: Escrow, path: str) -> None:
    assert code_of(escrow.http.get(path)) == (401, "signature_refused")


def test_strangers_are_refused(escrow: Escrow) -> None:
    assert code_of(escrow.stranger("Nobody").get("/v1/partners")) == (401, "signature_refused")


def test_a_request_is_accepted_once(ana: Partner) -> None:
    headers = ana.signed_headers("GET", "/v1/rooms")
    assert ana.send("GET", "/v1/rooms", b"", headers).status_code == 200
    assert code_of(ana.send("GET", "/v1/rooms", b"", headers)) == (401, "request_replayed")


def test_a_refused_request_is_not_accepted_later_either(ana: Partner) -> None:
    path = "/v1/rooms/" + "b" * 32
    headers = ana.signed_headers("GET", path)
    assert code_of(ana.send("GET", path, b"", headers)) == (404, "not_found")
    assert code_of(ana.send("GET", path, b"", headers)) == (401, "request_replayed")


def test_nonces_are_forgotten_only_when_their_request_is_too_old_anyway(escrow: Escrow, ana: Partner) -> None:
    headers = ana.signed_headers("GET", "/v1/rooms")
    assert ana.send("GET", "/v1/rooms", b"", headers).status_code == 200
    expiry = LIFETIME + SKEW
    escrow.clock.step(seconds=expiry.total_seconds())
    assert code_of(ana.send("GET", "/v1/rooms", b"", headers))[0] == 401
    escrow.clock.step(seconds=expiry.total_seconds())
    assert ana.get("/v1/rooms").status_code == 200
    with_nonces = escrow.desk.read(lambda session: session.query(Nonce).count())
    assert with_nonces == 1


def test_an_old_signature_is_refused(escrow: Escrow, ana: Partner) -> None:
    headers = ana.signed_headers("GET", "/v1/rooms")
    escrow.clock.step(seconds=(LIFETIME + SKEW).total_seconds() + 1)
    assert code_of(escrow.http.get("/v1/rooms", headers=headers)) == (401, "signature_refused")


@pytest.mark.parametrize("what", ["body", "path", "query", "method"])
def test_what_is_signed_cannot_be_changed(escrow: Escrow, ana: Partner, bo: Partner, what: str) -> None:
    terms = make_terms(ana, bo)
    path, body = f"/v1/rooms/{terms.room}/terms/1", ana.sign(terms).model_dump_json().encode()
    headers = {**ana.signed_headers("PUT", path, body), "Content-Type": "application/json"}
    method, sent_path, sent_body = "PUT", path, body
    if what == "body":
        sent_body = body.replace(b"Joint", b"Other")
    elif what == "path":
        sent_path = path.replace("terms/1", "terms/2")
    elif what == "query":
        sent_path += "?x=1"
    else:
        method = "POST"
    answer = escrow.http.request(method, sent_path, content=sent_body, headers=headers)
    assert code_of(answer) == (401, "signature_refused")
    assert ana.get(f"/v1/rooms/{terms.room}").status_code == 404


@pytest.mark.parametrize(
    ("path", "size"),
    [("/v1/rooms/{room}/terms/2", MAX_SMALL_BYTES), ("{snapshot}/chunks/0", MAX_SEALED_BYTES), ("/v1/rooms", 0)],
)
def test_bodies_are_limited(ana: Partner, setting: Setting, path: str, size: int) -> None:
    path = path.format(room=setting.room, snapshot=ana.snapshot_path(setting.room, 1))
    method = "PUT" if size else "GET"
    media = "application/octet-stream"
    assert code_of(ana.call(method, path, bytes(size + 1), media=media)) == (413, "body_too_large")
    assert ana.call(method, path, bytes(size), media=media).status_code != 413


def test_a_malformed_body_is_refused_without_repeating_it(ana: Partner, setting: Setting) -> None:
    body = {"document": 5, "signatures": [], "canary acme.example": "canary"}
    answer = ana.put(f"/v1/rooms/{setting.room}/terms/2", body)
    assert code_of(answer) == (422, "request_refused")
    assert "document" in answer.json()["detail"]
    assert "canary" not in answer.text
    assert code_of(ana.call("PUT", f"/v1/rooms/{setting.room}/terms/2", b"{not json")) == (422, "request_refused")


def test_unknown_routes_and_methods_are_problems(ana: Partner) -> None:
    assert code_of(ana.get("/v1/nothing")) == (404, "not_found")
    answer = ana.put("/v1/rooms", {})
    assert code_of(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


def seen(answer: Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that can be seen of an answer, but for what differs between any two: signature and time."""
    varying = {"signature", "signature-input", "date"}
    return (
        answer.status_code,
        answer.content,
        [(name, value) for name, value in answer.headers.multi_items() if name not in varying],
    )


def test_what_is_others_looks_like_what_does_not_exist(escrow: Escrow, setting: Setting) -> None:
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    cy = escrow.partner("Cy Reselling")
    document = cy.sign(make_terms(cy, setting.ana, version=2, previous="0" * 64))
    ana, nobody, digest = setting.ana.id, "c" * 32, "d" * 64

    def answers(room: str, partner: str) -> list[Response]:
        base = f"/v1/rooms/{room}"
        epoch = f"{base}/epochs/0"
        paths = [
            base,
            f"{base}/answers",
            f"{epoch}/snapshots/{partner}/1/chunks/0",
            f"{epoch}/snapshots/{partner}/1/chunks",
        ]
        puts = [
            f"{base}/terms/2",
            f"{base}/withdrawals/{partner}",
            f"{epoch}/keys/{partner}",
            f"{epoch}/snapshots/{partner}/1",
            f"{epoch}/evaluations/{partner}/{digest}/{digest}",
        ]
        signature = {"signature": json.loads(document.signatures[0].model_dump_json())}
        raw = [f"{epoch}/snapshots/{partner}/1/chunks/0", f"{epoch}/evaluations/{partner}/batches/1/chunks/0"]
        return [
            *(cy.get(path) for path in paths),
            *(cy.put(path, document) for path in puts),
            cy.put(f"{base}/terms/1/signatures/{partner}", signature),
            cy.put(f"{epoch}/evaluations/{partner}/batches/1", {}),
            *(cy.call("PUT", path, b"x", media="application/octet-stream") for path in raw),
        ]

    others = [seen(answer) for answer in answers(setting.room, ana)]
    assert {status for status, _, _ in others} == {404}
    assert others == [seen(answer) for answer in answers(secrets.token_hex(16), ana)]
    assert others == [seen(answer) for answer in answers(setting.room, nobody)]
    assert code_of(cy.propose(make_terms(cy, setting.ana, room=setting.room))) == (404, "not_found")


def test_a_member_cannot_write_or_list_under_the_others_name(setting: Setting) -> None:
    ana, bo, room = setting.ana, setting.bo, setting.room
    a, b = setting.push_both()
    by_bo, _ = setting.sign_both([a], [b])
    assert code_of(bo.put(ana.snapshot_path(room, 1), ana.sign(a))) == (404, "not_found")
    assert code_of(bo.get(f"{ana.snapshot_path(room, 1)}/chunks")) == (404, "not_found")
    assert code_of(ana.get(f"{ana.snapshot_path(room, 1)}/chunks/0")) == (404, "not_found")
    assert code_of(ana.put(f"{bo.evaluation_path(room)}/batches/1", {})) == (404, "not_found")
    key = ana.epoch_key(setting.terms)
    assert code_of(bo.put(f"/v1/rooms/{room}/epochs/0/keys/{ana.id}", ana.sign(key))) == (404, "not_found")
    assert code_of(bo.put(f"/v1/rooms/{room}/withdrawals/{ana.id}", ana.sign(key))) == (404, "not_found")
    signature = {"signature": json.loads(ana.sign(setting.terms).signatures[0].model_dump_json())}
    assert code_of(bo.put(f"/v1/rooms/{room}/terms/1/signatures/{ana.id}", signature)) == (404, "not_found")
    assert len(by_bo) == 1


def test_nobody_can_read_an_evaluation(setting: Setting) -> None:
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    for partner in (setting.ana, setting.bo):
        for evaluator in (setting.ana, setting.bo):
            path = f"{evaluator.evaluation_path(setting.room)}/batches/1"
            assert partner.get(f"{path}/chunks/0").status_code in {404, 405}
            assert partner.get(path).status_code in {404, 405}


def test_a_failure_is_a_signed_problem_that_says_nothing(escrow: Escrow, ana: Partner) -> None:
    with escrow.desk.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE rooms RENAME TO canary")
    answer = ana.get("/v1/rooms")
    assert code_of(answer) == (500, "internal_error")
    assert "canary" not in answer.text
    assert "rooms" not in answer.text
