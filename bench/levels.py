"""Sign at B-LTA: two time-stamps and all evidence, against plain pyHanko; the TSA's time apart."""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator import ValidationContext

from bench.harness import Effort, Entry, Gauge, WrongResult
from bench.material import Material, evidence, material, now
from certs.fetching.fetcher import EvidenceFetcher, FetchPolicy
from certs.paths.checking import PathChecker
from certs.practice.authority import PracticeAuthority
from certs.revocation.evidence import RevocationEvidence
from certs.timestamp_tokens import StampRequest
from certs.timestamping import HttpTimestamper
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.validation.assessing import assess
from signer.verdicts import SignatureLevel, Verdict

# The engine remarks on every document that its context fetches nothing.
logging.getLogger("pyhanko.sign.signers.pdf_signer").setLevel(logging.ERROR)


class Authority:
    """A time-stamping authority that keeps the time which its own answers take."""

    def __init__(self, authority: PracticeAuthority) -> None:
        self._authority = authority
        self.seconds = 0.0

    def answer(self, request: bytes) -> bytes:
        """Give a TimeStampResp."""
        began = time.process_time()
        answer = self._authority.answer_timestamp(request)
        self.seconds += time.process_time() - began
        return answer


class _OurTimestamper(HttpTimestamper):
    """Our client, with the authority in place of the connection to it."""

    def __init__(
        self, authority: Authority, *, fetcher: EvidenceFetcher, checker: PathChecker
    ) -> None:
        super().__init__(
            "http://127.0.0.1:9/tsa", fetcher=fetcher, store=checker.store, checker=checker
        )
        self._authority = authority

    async def _answer(self, request: StampRequest) -> bytes:
        return self._authority.answer(request.to_der())


class _TheirTimestamper(TimeStamper):
    """pyHanko's client, with the authority in place of the connection to it."""

    def __init__(self, authority: Authority) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._authority = authority

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        return tsp.TimeStampResp.load(self._authority.answer(req.dump()))


def sign_long_term_plainly(
    made: Material, authority: Authority, *, known: RevocationEvidence
) -> Callable[[], bytes]:
    """Return pyHanko's way to sign at B-LTA, with a context of its own for each document."""
    roots = [
        asn1_x509.Certificate.load(anchor.certificate.public_bytes(Encoding.DER))
        for anchor in made.trust.anchors
    ]
    timestamper = _TheirTimestamper(authority)

    def once() -> bytes:
        # A context of its own for each document, as pyHanko's documentation shows it.
        context = ValidationContext(
            trust_roots=roots,
            allow_fetching=False,
            ocsps=list(known.ocsp_responses),
            crls=list(known.crls),
            revocation_mode="require",
        )
        metadata = PdfSignatureMetadata(
            field_name="Signature1",
            subfilter=SigSeedSubFilter.PADES,
            md_algorithm="sha256",
            embed_validation_info=True,
            validation_context=context,
            use_pades_lta=True,
        )
        signed = PdfSigner(metadata, made.plain_signer, timestamper=timestamper).sign_pdf(
            IncrementalPdfFileWriter(BytesIO(made.document))
        )
        return bytes(signed.getvalue())

    return once


def _ours(
    runner: asyncio.Runner,
    made: Material,
    *,
    authority: Authority,
    known: RevocationEvidence,
) -> Callable[[], bytes]:
    fetcher = EvidenceFetcher(FetchPolicy())
    checker = PathChecker(store=made.trust, evidence=known)
    timestamper = _OurTimestamper(authority, fetcher=fetcher, checker=checker)

    async def once() -> bytes:
        request = SigningRequest(level=Level.B_LTA, signed_at=now())
        return await sign(
            made.document, key=made.key, request=request, timestamper=timestamper, checker=checker
        )

    return lambda: runner.run(once())


def _check(signed: bytes, made: Material) -> None:
    report = assess(signed, store=made.trust, at=now())
    if (
        report.verdict is not Verdict.VALID
        or report.signatures[0].level is not SignatureLevel.B_LTA
    ):
        raise WrongResult(f"{report.verdict} {report.reason} {report.detail}")


@contextmanager
def _prepare() -> Iterator[Gauge]:
    with material() as made, asyncio.Runner() as runner:
        authority = Authority(made.authority)
        crl = RevocationEvidence(crls=(made.authority.crl(),))
        known = evidence(made).merged(crl)
        ways = (
            _ours(runner, made, authority=authority, known=known),
            sign_long_term_plainly(made, authority, known=known),
        )

        def measure(effort: Effort) -> float:
            for way in ways:
                _check(way(), made)
            ratios = [
                _round(ways, authority=authority, effort=effort) for _ in range(effort.rounds)
            ]
            return statistics.median(ratios)

        yield Gauge(measure=measure)


def _round(ways: tuple[Callable[[], bytes], ...], *, authority: Authority, effort: Effort) -> float:
    ours, theirs = (_seconds_each(way, authority, least=effort.round_seconds) for way in ways)
    return theirs / ours


def _seconds_each(way: Callable[[], bytes], authority: Authority, *, least: float) -> float:
    authority.seconds = 0.0
    began, times = time.process_time(), 0
    while times == 0 or time.process_time() - began < least:
        way()
        times += 1
    return (time.process_time() - began - authority.seconds) / times


ENTRIES = (
    Entry(name="sign-lta", goal=8, against="plain pyHanko, B-LTA, no TSA", prepare=_prepare),
)
