"""Verify with a CRL of 20 000 entries: against plain pyHanko, and against ourselves with OCSP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from bench.harness import Contest, Entry, Sense
from bench.material import Material, evidence, material, now
from bench.verify import require_ours
from bench.verify_documents import signed_by_us
from bench.verify_plainly import require_basic, roots_of, verify_basic
from certs.revocation.evidence import RevocationEvidence
from signer.report import Report
from signer.validation.assessing import assess
from signer.verdicts import SignatureLevel

ENTRIES_IN_CRL: Final = 20_000
"""About what a public authority's list has; 780 KB."""


def long_crl(made: Material) -> bytes:
    """Make the issuer's list, in which the signer is not."""
    random, since = Random(1), now() - timedelta(days=1)
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=made.authority.issuer.subject,
        last_update=now() - timedelta(hours=1),
        next_update=now() + timedelta(days=1),
        revoked_certificates=[
            x509.RevokedCertificateBuilder(random.getrandbits(126) | 1 << 126, since).build()
            for _ in range(ENTRIES_IN_CRL)
        ],
    )
    signed = builder.sign(made.authority._issuer_key, hashes.SHA256())
    return signed.public_bytes(Encoding.DER)


def _crls(made: Material) -> RevocationEvidence:
    return RevocationEvidence(crls=(long_crl(made), made.authority.root_crl()))


def _assess(made: Material, document: bytes, *, known: RevocationEvidence, times: int) -> Report:
    for _ in range(times):
        report = assess(document, store=made.trust, evidence=known, at=now())
    return report


@contextmanager
def prepare_against_plain() -> Iterator[Contest]:
    """Both from bytes, with the list at hand; plain pyHanko with a fresh context each time."""
    with material() as made:
        document, known, roots = signed_by_us(made), _crls(made), roots_of(made)

        def check(one: object, other: object) -> None:
            require_ours(one, SignatureLevel.B_B)
            require_basic(other)

        yield Contest(
            ours=lambda times: _assess(made, document, known=known, times=times),
            theirs=lambda times: [verify_basic(document, roots, known=known) for _ in range(times)][
                -1
            ],
            check=check,
        )


@contextmanager
def prepare_against_ocsp() -> Iterator[Contest]:
    """What the list costs us beside an OCSP answer, once it is known."""
    with material() as made:
        document, known, small = signed_by_us(made), _crls(made), evidence(made)

        def check(one: object, other: object) -> None:
            require_ours(one, SignatureLevel.B_B)
            require_ours(other, SignatureLevel.B_B)

        yield Contest(
            ours=lambda times: _assess(made, document, known=known, times=times),
            theirs=lambda times: _assess(made, document, known=small, times=times),
            check=check,
        )


ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="verify-crl-20000",
        goal=10,
        against="plain pyHanko, fresh context",
        prepare=prepare_against_plain,
    ),
    Entry(
        name="verify-crl-20000-ocsp",
        goal=2,
        against="ourselves with an OCSP answer",
        prepare=prepare_against_ocsp,
        sense=Sense.AT_MOST,
    ),
)
