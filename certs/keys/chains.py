"""The issuers' certificates that came with a key, in the order that signatures want (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509


def issuers_nearest_first(
    certificate: x509.Certificate, others: Iterable[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Those of the certificates that lead upwards from the first, by their names.

    Files and tokens hold certificates in any order; what belongs to other keys is left out.
    """
    ordered: list[x509.Certificate] = []
    rest = list(others)
    current = certificate
    while issuer := next((each for each in rest if each.subject == current.issuer), None):
        rest.remove(issuer)
        ordered.append(issuer)
        current = issuer
    return tuple(ordered)
