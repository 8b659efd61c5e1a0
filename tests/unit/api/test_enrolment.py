import pytest
from conftest import Escrow
from partner import Partner, code_of, digest_in

from cleanroom.messages.api import EnrolRequest, PartnerPage
from cleanroom.messages.identity import IdentityRefused
from cleanroom.messages.rooms import Enrolment
from escrow import partners


def test_an_invite_works_once_and_a_repeat_is_answered_alike(escrow: Escrow) -> None:
    ana, eve, invite = escrow.stranger("Ana"), escrow.stranger("Eve"), escrow.invite()
    document = ana.enrolment()
    digest = digest_in(ana.enrol(invite, document))
    escrow.clock.step(days=30)
    assert digest_in(ana.enrol(invite, document)) == digest == document.digest()
    assert code_of(eve.enrol(invite)) == (403, "invite_used")


def test_unknown_and_expired_invites_are_refused_alike(escrow: Escrow) -> None:
    ana, invite = escrow.stranger("Ana"), escrow.invite()
    unknown = ana.enrol("0" * 64)
    assert code_of(unknown) == (403, "invite_refused")
    escrow.clock.step(days=14)
    expired = ana.enrol(invite)
    assert expired.content == unknown.content


def test_an_enrolment_for_another_escrow_is_refused(escrow: Escrow) -> None:
    ana = escrow.stranger("Ana")
    assert code_of(ana.enrol(escrow.invite(), ana.enrolment(escrow_key="0" * 64))) == (422, "enrolment_refused")


def test_name_and_kind_are_the_invites_where_it_names_them(escrow: Escrow) -> None:
    ana = escrow.stranger("Ana")
    assert code_of(ana.enrol(escrow.invite(name="Other"))) == (422, "enrolment_refused")
    assert code_of(ana.enrol(escrow.invite(kind="si"))) == (422, "enrolment_refused")
    digest_in(ana.enrol(escrow.invite(name="Ana", kind="isv")))


def test_names_are_unique_however_written(escrow: Escrow) -> None:
    escrow.partner("Ana Software")
    assert code_of(escrow.stranger("ANA  software").enrol(escrow.invite())) == (409, "name_taken")


def test_a_second_enrolment_of_the_same_key_is_a_conflict_and_spends_no_invite(escrow: Escrow, ana: Partner) -> None:
    invite = escrow.invite()
    assert code_of(ana.enrol(invite, ana.enrolment(name="Another Name"))) == (409, "conflict")
    digest_in(escrow.stranger("Bo").enrol(invite))


def test_the_key_that_signs_is_the_key_that_is_introduced(escrow: Escrow) -> None:
    ana, eve = escrow.stranger("Ana"), escrow.stranger("Eve")
    stolen = eve.enrolment(identity_key=ana.key.hex())
    assert code_of(eve.enrol(escrow.invite(), stolen)) == (401, "signature_refused")
    # signed by Eve as a request, but speaking of a document under Ana's key
    body = {"invite": escrow.invite(), "enrolment": ana.sign(ana.enrolment()).model_dump(mode="json")}
    assert code_of(eve.put(f"/v1/partners/{eve.id}", body)) == (401, "signature_refused")
    assert code_of(ana.put(f"/v1/partners/{eve.id}", body)) == (404, "not_found")


def test_keys_that_are_none_are_refused(escrow: Escrow) -> None:
    ana = escrow.stranger("Ana")
    answer = ana.enrol(escrow.invite(), ana.enrolment(sealing_key="ff" * 1216))
    assert code_of(answer) == (422, "sealing_key_refused")


def test_an_unsigned_document_is_refused(escrow: Escrow) -> None:
    ana = escrow.stranger("Ana")
    signed = ana.sign(ana.enrolment()).model_dump(mode="json")
    signed["signatures"][0]["signature"] = "00" * 64
    answer = ana.put(f"/v1/partners/{ana.id}", {"invite": escrow.invite(), "enrolment": signed})
    assert code_of(answer) == (422, "document_refused")


def test_the_directory_comes_in_pages(escrow: Escrow) -> None:
    everybody = [escrow.partner(f"Partner {i}") for i in range(5)]
    names, after = [], 0
    while after is not None:
        page = PartnerPage.model_validate_json(everybody[0].get(f"/v1/partners?after={after}&limit=2").content)
        assert len(page.partners) <= 2
        names += [Enrolment.model_validate_json(signed.document).name for signed in page.partners]
        after = page.next
    assert names == [partner.name for partner in everybody]
    for wrong in ("limit=0", "limit=201", "after=-1"):
        assert code_of(everybody[0].get(f"/v1/partners?{wrong}")) == (422, "request_refused")


def test_an_identity_key_that_binds_nobody_is_refused(escrow: Escrow) -> None:
    """Asked behind the API: no request can be signed with such a key where signatures are checked strictly."""
    ana = escrow.stranger("Ana")
    request = EnrolRequest(invite=escrow.invite(), enrolment=ana.sign(ana.enrolment(identity_key="00" * 32)))
    with pytest.raises(IdentityRefused) as caught:
        escrow.desk.read(
            lambda session: partners.enrol(session, ana.id, request, escrow_key=ana.escrow_key, now=escrow.clock())
        )
    assert caught.value.code == "identity_refused"
