"""From a trusted list to anchors: granted services only, in the windows that the list tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from certs.errors import AnchorRefused, TrustedListRolledBack, TrustStoreInvalid
from certs.paths.validation import PathStatus, judge_path
from certs.practice.answers import make_crl
from certs.practice.profiles import AUTHORITY
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorClass, AnchorRole, Block, TrustAnchor, TrustStore
from certs.trust.changes import TrustAct, changing, write_trust_anchor
from certs.trust.files import load_trust_store, read_trust_directory
from certs.trusted_lists.anchors import ServiceSkip, Skipped, anchors_of
from certs.trusted_lists.files import (
    LISTS,
    ListImport,
    import_trusted_list,
    leave_out,
    read_known_lists,
)
from certs.trusted_lists.lists import TrustedList, read_trusted_list
from tests.certs.dying import died_at_every_step
from tests.certs.forging import root, weak_rsa
from tests.support.trusted_lists import (
    CA_PKC,
    EXTENSION,
    NOW,
    QTST,
    SEALS,
    SIE,
    SIGNATURES,
    STATUS,
    WITHDRAWN,
    Scheme,
    Service,
    State,
    list_xml,
    signed,
)
from tests.support.unmarked import CA_USAGE, Made, unmarked

BIRTH = datetime(2010, 1, 1, tzinfo=UTC)
PUBLISHER = unmarked("The publisher", ca=None, since=BIRTH)
LIST_ENDS = NOW + timedelta(days=100)
MOMENT = timedelta(microseconds=1)
CA, OTHER = (unmarked(name, since=BIRTH) for name in ("A listed authority", "Another one"))
Roles = frozenset[AnchorRole]
SIGNER, SEAL, TSA = (frozenset({each}) for each in ("SIGNER", "SEAL", "TSA"))


def day(year: int, month: int = 1) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


def service(*states: State, of: Made = CA, name: str = "service") -> Service:
    return Service(certificates=(of.der,), states=states, name=name)


def listed(*services: Service, scheme: Scheme | None = None, at: datetime = NOW) -> TrustedList:
    content = signed(list_xml(*services, scheme=scheme), PUBLISHER)
    return read_trusted_list(content, signers=(PUBLISHER.der,), at=at)


as_anchors = partial(anchors_of, blocks=frozenset({Block.STATE}), anchor_class=AnchorClass.FOREIGN)


def windows(anchors: Sequence[TrustAnchor]) -> set[tuple[Roles, datetime, datetime]]:
    return {(each.roles, each.valid_from, each.valid_until) for each in anchors}


def reasons(skipped: Sequence[Skipped]) -> list[ServiceSkip]:
    return [each.reason for each in skipped]


@pytest.mark.parametrize(
    ("state", "roles"),
    [
        (State(since=day(2020), purposes=[SIGNATURES]), SIGNER),
        (State(since=day(2020), purposes=[SEALS]), SEAL),
        (State(since=day(2020), purposes=[SIGNATURES, SEALS]), SIGNER | SEAL),
        (State(since=day(2020), kind=QTST, purposes=[]), TSA),
    ],
)
def test_a_granted_service_is_trusted_for_what_it_is_for_until_the_next_list(
    state: State, roles: Roles
) -> None:
    anchors, skipped = as_anchors(listed(service(state)))
    assert windows(anchors) == {(roles, day(2020), LIST_ENDS)}
    assert skipped == ()
    [anchor] = anchors
    assert anchor.anchor_class is AnchorClass.FOREIGN
    assert anchor.blocks == frozenset({Block.STATE})
    assert not anchor.practice


def test_the_history_gives_earlier_windows_and_what_was_withdrawn_is_trusted_no_longer() -> None:
    story = service(
        State(since=day(2024)),
        State(since=day(2022), status=WITHDRAWN),
        State(since=day(2018), purposes=[SIGNATURES, SEALS]),
    )
    anchors, _ = as_anchors(listed(story))
    assert windows(anchors) == {
        (SIGNER | SEAL, day(2018), day(2022) - MOMENT),
        (SIGNER, day(2024), LIST_ENDS),
    }
    gone = service(State(since=day(2024), status=WITHDRAWN), State(since=day(2018)))
    anchors, skipped = as_anchors(listed(gone))
    assert windows(anchors) == {(SIGNER, day(2018), day(2024) - MOMENT)}
    assert skipped == ()
    assert not anchors[0].trusted_at(day(2024))


def test_states_that_change_nothing_make_one_window() -> None:
    anchors, _ = as_anchors(listed(service(State(since=day(2022)), State(since=day(2018)))))
    assert windows(anchors) == {(SIGNER, day(2018), LIST_ENDS)}


def test_before_the_regulation_of_2016_qualified_certificates_were_for_signatures() -> None:
    old = State(since=day(2012), status=f"{STATUS}undersupervision", purposes=[])
    anchors, _ = as_anchors(listed(service(old)))
    assert windows(anchors) == {(SIGNER, day(2012), datetime(2016, 6, 30, 22, tzinfo=UTC))}


def test_a_window_ends_with_the_certificate() -> None:
    short = unmarked("Short", since=day(2021), until=day(2023))
    anchors, _ = as_anchors(listed(service(State(since=day(2020)), of=short)))
    assert windows(anchors) == {(SIGNER, day(2021), day(2023))}


def test_intermediates_and_time_stamping_units_are_listed_by_their_own_certificates() -> None:
    issuing = unmarked("Issuing", issuer=CA, since=BIRTH)
    unit = unmarked("Unit", issuer=CA, ca=None, since=BIRTH)
    anchors, skipped = as_anchors(
        listed(
            service(State(since=day(2020)), of=issuing),
            service(State(since=day(2020), kind=QTST, purposes=[]), of=unit),
        )
    )
    assert [each.roles for each in anchors] == [SIGNER, TSA]
    assert skipped == ()


def narrowed(qualifier: str) -> str:
    return (
        f'<Extension Critical="true"><s:Qualifications xmlns:s="{SIE}"><s:QualificationElement>'
        f'<s:Qualifiers><s:Qualifier uri="{EXTENSION}{qualifier}"/></s:Qualifiers>'
        '<s:CriteriaList assert="all"/></s:QualificationElement></s:Qualifications></Extension>'
    )


UNKNOWN = '<Extension Critical="{}"><x:Other xmlns:x="urn:x"/></Extension>'


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State(since=day(2020), kind=CA_PKC), ServiceSkip.OTHER_KIND),
        (State(since=day(2020), status=WITHDRAWN), ServiceSkip.NEVER_GRANTED),
        (State(since=day(2020), status=f"{STATUS}Granted"), ServiceSkip.NEVER_GRANTED),
        (State(since=day(2020), purposes=[]), ServiceSkip.PURPOSE_MISSING),
        (
            State(since=day(2020), purposes=[f"{EXTENSION}ForWebSiteAuthentication"]),
            ServiceSkip.PURPOSE_MISSING,
        ),
        (State(since=day(2020), extensions=narrowed("NotQualified")), ServiceSkip.NARROWED),
        (State(since=day(2020), extensions=narrowed("QCForESeal")), ServiceSkip.NARROWED),
        (State(since=day(2020), extensions=UNKNOWN.format("true")), ServiceSkip.NARROWED),
    ],
)
def test_what_is_not_granted_for_a_purpose_of_ours_becomes_no_anchor_and_is_named(
    state: State, reason: ServiceSkip
) -> None:
    anchors, skipped = as_anchors(listed(service(state)))
    assert anchors == ()
    assert reasons(skipped) == [reason]
    assert (skipped[0].provider, skipped[0].name) == ("The provider", "service")


@pytest.mark.parametrize("extension", [narrowed("QCWithQSCD"), UNKNOWN.format("false")])
def test_extensions_that_take_nothing_away_change_nothing(extension: str) -> None:
    anchors, skipped = as_anchors(listed(service(State(since=day(2020), extensions=extension))))
    assert len(anchors) == 1
    assert skipped == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: unmarked("Weak", key=weak_rsa(1024), since=BIRTH),
        lambda: unmarked("No authority", ca=False, since=BIRTH),
        lambda: unmarked("Later", since=day(2030), until=day(2031)),
        lambda: Made(certificate=root("Practice").certificate, key=weak_rsa(2048)),
        lambda: Made(
            certificate=root("P").issue("Below", profile=AUTHORITY).certificate, key=weak_rsa(2048)
        ),
    ],
    ids=["weak", "no authority", "not valid then", "practice", "below practice"],
)
def test_certificates_that_can_be_no_anchors_are_named(make: Callable[[], Made]) -> None:
    anchors, skipped = as_anchors(listed(service(State(since=day(2020)), of=make())))
    assert anchors == ()
    assert reasons(skipped) == [ServiceSkip.CERTIFICATE_REFUSED]
    assert skipped[0].detail


def test_one_certificate_in_two_services_has_the_roles_of_both() -> None:
    anchors, skipped = as_anchors(
        listed(
            service(State(since=day(2020))),
            service(State(since=day(2020), purposes=[SEALS])),
            service(State(since=day(2022))),
        )
    )
    assert windows(anchors) == {(SIGNER | SEAL, day(2020), LIST_ENDS)}
    assert skipped == ()


def test_a_certificate_of_which_the_list_says_two_things_is_not_trusted() -> None:
    anchors, skipped = as_anchors(
        listed(
            service(State(since=day(2020)), name="granted"),
            service(State(since=day(2022), status=WITHDRAWN, purposes=[]), name="withdrawn"),
            service(State(since=day(2020)), of=OTHER, name="another"),
        )
    )
    assert [each.certificate for each in anchors] == [OTHER.certificate]
    told = {(each.name, each.reason) for each in skipped}
    assert ("granted", ServiceSkip.CONTRADICTED) in told
    assert ("withdrawn", ServiceSkip.CONTRADICTED) in told


def signing_certificate(issuer: Made) -> x509.Certificate:
    usage = replace_bits(CA_USAGE, digital_signature=True, key_cert_sign=False, crl_sign=False)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Người ký")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject)
        .public_key(unmarked().key.public_key())
        .serial_number(7)
        .not_valid_before(BIRTH)
        .not_valid_after(day(2035))
        .add_extension(usage, critical=True)
        .add_extension(CRL_AT, critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def replace_bits(usage: x509.KeyUsage, **bits: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
    others = ("key_agreement", "key_cert_sign", "crl_sign")
    now = {name: getattr(usage, name) for name in (*names, *others)}
    return x509.KeyUsage(**{**now, **bits}, encipher_only=False, decipher_only=False)


CRL_AT = x509.CRLDistributionPoints(
    [
        x509.DistributionPoint(
            full_name=[x509.UniformResourceIdentifier("http://crl.example/crl")],
            relative_name=None,
            reasons=None,
            crl_issuer=None,
        )
    ]
)


def test_a_signer_under_a_listed_intermediate_is_trusted_while_the_list_says_so() -> None:
    issuing = unmarked("Issuing", issuer=CA, since=BIRTH)
    signer = signing_certificate(issuing)
    story = service(State(since=day(2024), status=WITHDRAWN), State(since=day(2018)), of=issuing)
    anchors, _ = as_anchors(listed(story))
    store = TrustStore(anchors=anchors)
    for at, status in (
        (day(2017), PathStatus.NO_TRUSTED_PATH),
        (day(2023), PathStatus.VALID),
        (day(2024), PathStatus.NO_TRUSTED_PATH),
    ):
        crl = make_crl(issuing.certificate, issuing.key, revoked={}, at=at - timedelta(minutes=1))
        evidence = RevocationEvidence(crls=(crl,))
        verdict = judge_path(signer, store=store, role=AnchorRole.SIGNER, at=at, evidence=evidence)
        assert verdict.status is status, (at, verdict.detail)
        seal = judge_path(signer, store=store, role=AnchorRole.SEAL, at=at, evidence=evidence)
        assert seal.status is PathStatus.NO_TRUSTED_PATH


# --- in the trust directory ----------------------------------------------------------------------


def put(
    directory: Path, *services: Service, number: int = 7, territory: str = "XX", name: str = "xx"
) -> ListImport:
    issued = NOW - timedelta(days=20 - number)
    until = issued + timedelta(days=150)
    scheme = Scheme(
        sequence=str(number),
        territory=territory,
        issued=issued.isoformat(),
        next_update=f"<dateTime>{until.isoformat()}</dateTime>",
    )
    return import_trusted_list(
        directory,
        listed(*services, scheme=scheme),
        name=name,
        blocks=frozenset(Block),
        anchor_class=AnchorClass.FOREIGN,
        at=NOW,
    )


GOOD = service(State(since=day(2020)))


def test_a_list_becomes_a_store_and_the_next_list_prolongs_it(tmp_path: Path) -> None:
    done = put(tmp_path, GOOD)
    assert [act for act, _, _ in done.acts] == [TrustAct.ADDED]
    [before] = load_trust_store(tmp_path).anchors
    done = put(tmp_path, GOOD, number=8)
    assert [act for act, _, _ in done.acts] == [TrustAct.CHANGED]
    [after] = load_trust_store(tmp_path).anchors
    assert after == replace(before, valid_until=before.valid_until + timedelta(days=1))
    assert read_known_lists(tmp_path)["xx"].sequence == 8


def test_the_same_list_again_changes_nothing(tmp_path: Path) -> None:
    content = listed(GOOD)
    for expected in (1, 0):
        done = import_trusted_list(
            tmp_path,
            content,
            name="xx",
            blocks=frozenset(Block),
            anchor_class=AnchorClass.FOREIGN,
            at=NOW,
        )
        assert len(done.acts) == expected


@pytest.mark.parametrize(
    ("number", "territory"), [(6, "XX"), (7, "XX"), (8, "YY")], ids=["older", "twin", "of others"]
)
def test_no_older_and_no_other_list_takes_the_place_of_the_last(
    number: int, territory: str, tmp_path: Path
) -> None:
    put(tmp_path, GOOD)
    with pytest.raises(TrustedListRolledBack):
        put(
            tmp_path,
            GOOD,
            service(State(since=day(2020)), of=OTHER),
            number=number,
            territory=territory,
        )
    assert len(load_trust_store(tmp_path).anchors) == 1
    assert put(tmp_path, GOOD, number=6, territory=territory, name="another").acts


def test_a_service_that_the_list_withdraws_keeps_its_past(tmp_path: Path) -> None:
    put(tmp_path, GOOD)
    put(tmp_path, service(State(since=day(2026), status=WITHDRAWN), *GOOD.states), number=8)
    [anchor] = load_trust_store(tmp_path).anchors
    assert (anchor.valid_from, anchor.valid_until) == (day(2020), day(2026) - MOMENT)


def test_a_service_that_the_list_forgets_ends_with_it_and_stays(tmp_path: Path) -> None:
    put(tmp_path, GOOD, service(State(since=day(2020)), of=OTHER))
    done = put(tmp_path, GOOD, number=8)
    assert len(done.ended) == 1
    ends = {each.certificate: each.valid_until for each in load_trust_store(tmp_path).anchors}
    assert ends[OTHER.certificate] == NOW - timedelta(days=12)
    assert ends[CA.certificate] > NOW
    assert put(tmp_path, GOOD, number=9).ended == ()
    assert len(load_trust_store(tmp_path).anchors) == 2


def test_what_the_operator_left_out_stays_out(tmp_path: Path) -> None:
    put(tmp_path, GOOD, service(State(since=day(2020)), of=OTHER))
    files = read_trust_directory(tmp_path).anchors
    [file] = [name for name, each in files.items() if each.certificate == OTHER.certificate]
    with changing(tmp_path, at=NOW) as change:
        assert leave_out(tmp_path, change, file=file) == "xx"
        change.remove(file)
    put(tmp_path, GOOD, service(State(since=day(2020)), of=OTHER), number=8)
    assert [each.certificate for each in load_trust_store(tmp_path).anchors] == [CA.certificate]


def test_a_list_never_comes_into_a_practice_store(tmp_path: Path) -> None:
    write_trust_anchor(tmp_path, root().anchor(), name="practice", at=NOW)
    with pytest.raises(AnchorRefused, match="PRACTICE_MIXED"):
        put(tmp_path, GOOD)


def import_next(directory: Path, content: TrustedList) -> None:
    """The import that dies in the middle."""
    import_trusted_list(
        directory,
        content,
        name="xx",
        blocks=frozenset(Block),
        anchor_class=AnchorClass.FOREIGN,
        at=NOW,
    )


def test_an_import_that_dies_at_any_step_can_be_repeated_and_ends_as_if_it_had_not(
    tmp_path: Path,
) -> None:
    put(tmp_path / "before", GOOD)
    scheme = Scheme(sequence="8", issued=(NOW - timedelta(days=5)).isoformat())
    successor = listed(
        service(State(since=day(2025), status=WITHDRAWN), *GOOD.states),
        service(State(since=day(2021)), of=OTHER),
        scheme=scheme,
    )
    work = ("tests.certs.test_trusted_list_anchors", "import_next")
    *died, whole = died_at_every_step(tmp_path, work, successor)
    before, after = (load_trust_store(each).version for each in (tmp_path / "before", whole))
    assert len(died) > 5
    assert before != after
    for directory in died:
        assert load_trust_store(directory).version in {before, after}
        import_next(directory, successor)
        assert load_trust_store(directory).version == after
        assert read_known_lists(directory) == read_known_lists(whole)


@pytest.mark.parametrize("name", ["", "XX", "../x", "x" * 33, "a.b"])
def test_a_list_has_a_plain_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(TrustStoreInvalid):
        put(tmp_path, GOOD, name=name)


@pytest.mark.parametrize("content", ["{", "[]", '{"xx": {}}', '{"xx": {"sequence": 1}}'])
def test_a_damaged_memory_of_lists_is_not_taken_for_none(content: str, tmp_path: Path) -> None:
    put(tmp_path, GOOD)
    (tmp_path / LISTS).write_text(content)
    with pytest.raises(TrustStoreInvalid):
        put(tmp_path, GOOD, number=8)
