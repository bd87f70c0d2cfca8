"""The practice authority: a whole public key infrastructure in one directory, for demo and tests.

A root, an issuing CA, people, seals, endpoint and server certificates, a time-stamping authority,
an OCSP responder and CRLs. Impossible to mistake for real: every subject says so, a private
extension marks every certificate, and nothing is valid for more than a year.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from certs.errors import PracticeAuthorityUnusable
from certs.identity import endpoint_code
from certs.practice.answers import Known, Responder, answer_ocsp, make_crl
from certs.practice.files import Ledger, Revocation, read_pair, write_file, write_pair
from certs.practice.profiles import (
    AUTHORITY,
    OCSP,
    PRACTICE_MARK,
    SIGNING,
    TSA,
    Addresses,
    HolderKeyKind,
    Issued,
    KeyKind,
    Offer,
    PrivateKey,
    Profile,
    Validity,
    certificate_builder,
    endpoint_profile,
    make_holder_key,
    make_key,
    server_profile,
    signed,
    subject,
)
from certs.practice.timestamps import TimestampSigner, answer_timestamp
from certs.trust.anchors import AnchorRole, Block, TrustAnchor, TrustStore
from certs.trust.changes import write_trust_anchor

__all__ = ["PRACTICE_MARK", "Issued", "PracticeAuthority", "Validity"]

Clock = Callable[[], datetime]
_LEDGER = "authority.json"
_DEFAULT_ORGANISATION = "Cơ quan chứng thực thực hành"


class PracticeAuthority:
    """Issues practice certificates and answers for them; its state lives in its directory.

    One process at a time may issue and revoke; threads of that process may call anything.
    """

    def __init__(self, directory: Path, ledger: Ledger, *, clock: Clock) -> None:
        """Use create() or open()."""
        self._directory = directory
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._root, self._root_key = read_pair(directory, "root")
        self._issuer, self._issuer_key = read_pair(directory, "issuer")
        tsa_certificate, tsa_key = read_pair(directory, "tsa")
        ocsp_certificate, ocsp_key = read_pair(directory, "ocsp")
        self._tsa = TimestampSigner(tsa_certificate, tsa_key, (self._issuer,))
        self._responder = Responder(
            certificate=ocsp_certificate, private_key=ocsp_key, issuer=self._issuer
        )

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        base_url: str,
        clock: Clock,
        organisation: str = _DEFAULT_ORGANISATION,
        key: KeyKind = "rsa2048",
    ) -> PracticeAuthority:
        """A new authority in a directory that is missing or empty.

        base_url (without a slash at its end) goes into the certificates: where OCSP, CRL and TSA
        will answer. key is the TSA's kind of key. Raises PracticeAuthorityUnusable.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(directory.iterdir()):
                raise PracticeAuthorityUnusable("the directory is not empty")
            _found(
                directory,
                Addresses(base_url=base_url),
                organisation=organisation,
                at=clock(),
                tsa_key=key,
            )
            ledger = Ledger(base_url=base_url, organisation=organisation)
            for name in ("issuer", "tsa", "ocsp"):
                ledger.issued[read_pair(directory, name)[0].serial_number] = name
            write_file(directory / _LEDGER, ledger.to_json(), private=True)
        except OSError as error:
            raise PracticeAuthorityUnusable(f"the directory: {error.strerror}") from error
        return cls(directory, ledger, clock=clock)

    @classmethod
    def open(cls, directory: Path, clock: Clock) -> PracticeAuthority:
        """The authority made earlier in the directory. Raises PracticeAuthorityUnusable."""
        try:
            content = (directory / _LEDGER).read_bytes()
        except OSError as error:
            raise PracticeAuthorityUnusable(f"its ledger: {error.strerror}") from error
        return cls(directory, Ledger.from_json(content), clock=clock)

    @property
    def addresses(self) -> Addresses:
        """Where its services answer."""
        return Addresses(base_url=self._ledger.base_url)

    @property
    def root(self) -> x509.Certificate:
        """The practice root."""
        return self._root

    @property
    def issuer(self) -> x509.Certificate:
        """The issuing CA's certificate, which the root signed."""
        return self._issuer

    def issue_person(
        self,
        common_name: str,
        *,
        organisation: str,
        unit: str = "",
        position: str = "",
        validity: Validity | None = None,
        key: HolderKeyKind = "rsa2048",
    ) -> Issued:
        """A person's signing certificate; position is the title (chức vụ) in the subject."""
        name = subject(
            common_name,
            (NameOID.ORGANIZATION_NAME, organisation),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            (NameOID.TITLE, position),
            # What makes it a person's for certs.identity even without a title.
            (NameOID.PSEUDONYM, "practice"),
        )
        return self._issue(name, SIGNING, validity=validity, key=key)

    def issue_seal(
        self,
        organisation: str,
        *,
        identifier: str,
        validity: Validity | None = None,
        key: HolderKeyKind = "rsa2048",
    ) -> Issued:
        """An organisation's seal; identifier becomes organizationIdentifier (2.5.4.97)."""
        name = subject(
            organisation,
            (NameOID.ORGANIZATION_NAME, organisation),
            (NameOID.ORGANIZATION_IDENTIFIER, identifier),
        )
        return self._issue(name, SIGNING, validity=validity, key=key)

    def issue_endpoint(
        self, code: str, *, validity: Validity | None = None, key: KeyKind = "p256"
    ) -> Issued:
        """A TLS client certificate whose one URI name is urn:congvan:endpoint:<code>."""
        issued = self._issue(subject(code), endpoint_profile(code), validity=validity, key=key)
        endpoint_code(issued.certificate)  # a code that could not be read back is refused here
        return issued

    def issue_server(
        self,
        names: tuple[str, ...],
        addresses: tuple[str, ...] = (),
        *,
        validity: Validity | None = None,
        key: KeyKind = "p256",
    ) -> Issued:
        """A TLS server certificate for DNS names and IP addresses."""
        title = (*names, *addresses)[0]
        profile = server_profile(names, addresses)
        return self._issue(subject(title), profile, validity=validity, key=key)

    def revoke(
        self,
        certificate: x509.Certificate,
        *,
        at: datetime | None = None,
        reason: x509.ReasonFlags = x509.ReasonFlags.unspecified,
    ) -> None:
        """Revoke from the instant on (now by default). Revoking twice keeps the first."""
        with self._lock:
            serial = certificate.serial_number
            if certificate.issuer not in (self._issuer.subject, self._root.subject) or (
                serial not in self._ledger.issued
            ):
                raise PracticeAuthorityUnusable("the certificate was not issued by it")
            moment = at if at is not None else self._clock()
            self._ledger.revoked.setdefault(serial, Revocation(at=moment, reason=reason.name))
            self._write_ledger()

    def answer_timestamp(self, request: bytes) -> bytes:
        """TimeStampReq to TimeStampResp (RFC 3161), DER."""
        return answer_timestamp(request, signer=self._tsa, at=self._clock())

    def answer_ocsp(self, request: bytes) -> bytes:
        """OCSPRequest to OCSPResponse (RFC 6960), DER; about what the issuing CA issued."""
        with self._lock:
            known = Known(issued=frozenset(self._ledger.issued), revoked=dict(self._ledger.revoked))
        return answer_ocsp(request, responder=self._responder, known=known, at=self._clock())

    def crl(self) -> bytes:
        """The issuing CA's CRL, DER."""
        with self._lock:
            revoked = dict(self._ledger.revoked)
        revoked.pop(self._issuer.serial_number, None)
        return make_crl(self._issuer, self._issuer_key, revoked=revoked, at=self._clock())

    def root_crl(self) -> bytes:
        """The root's CRL, DER: about the issuing CA alone."""
        with self._lock:
            revoked = dict(self._ledger.revoked)
        serial = self._issuer.serial_number
        about_issuer = {serial: revoked[serial]} if serial in revoked else {}
        return make_crl(self._root, self._root_key, revoked=about_issuer, at=self._clock())

    @property
    def anchor(self) -> TrustAnchor:
        """The root as a practice anchor for every role and block, for as long as it lives."""
        return TrustAnchor(
            certificate=self._root,
            roles=frozenset(AnchorRole),
            blocks=frozenset(Block),
            valid_from=self._root.not_valid_before_utc,
            valid_until=self._root.not_valid_after_utc,
            practice=True,
        )

    @property
    def trust(self) -> TrustStore:
        """A store that trusts this practice authority and nobody else."""
        return TrustStore(anchors=(self.anchor,))

    def write_trust(self, directory: Path) -> None:
        """Add the practice anchor to a trust directory, for load_trust_store(allow_practice)."""
        write_trust_anchor(directory, self.anchor, name="practice-root", at=self._clock())

    def _issue(
        self, name: x509.Name, profile: Profile, *, validity: Validity | None, key: HolderKeyKind
    ) -> Issued:
        private_key = make_holder_key(key)
        addresses = self.addresses
        offer = Offer(crl=addresses.crl, ocsp=addresses.ocsp, issuer=addresses.issuer)
        builder = certificate_builder(
            name,
            private_key.public_key(),
            issuer=self._issuer,
            validity=validity or Validity.year_from(self._clock()),
            profile=profile,
            offer=offer,
        )
        certificate = signed(builder, self._issuer_key)
        with self._lock:
            self._ledger.issued[certificate.serial_number] = name.rfc4514_string()
            self._write_ledger()
        return Issued(certificate=certificate, chain=(self._issuer,), private_key=private_key)

    def _write_ledger(self) -> None:
        try:
            write_file(self._directory / _LEDGER, self._ledger.to_json(), private=True)
        except OSError as error:
            raise PracticeAuthorityUnusable(f"its ledger: {error.strerror}") from error


def _found(
    directory: Path, addresses: Addresses, *, organisation: str, at: datetime, tsa_key: KeyKind
) -> None:
    """Make the authority's own certificates and keys: root, issuing CA, TSA, OCSP responder."""
    validity = Validity.year_from(at)
    by_root = Offer(crl=addresses.root_crl, issuer=addresses.root)
    by_issuer = Offer(crl=addresses.crl, ocsp=addresses.ocsp, issuer=addresses.issuer)
    plan: tuple[tuple[str, str, KeyKind, Profile, Offer], ...] = (
        ("root", "Root CA", "p256", AUTHORITY, Offer()),
        ("issuer", "Issuing CA", "p256", AUTHORITY, by_root),
        ("tsa", "TSA", tsa_key, TSA, by_issuer),
        ("ocsp", "OCSP", "p256", OCSP, Offer()),
    )
    above: dict[str, tuple[x509.Certificate, PrivateKey]] = {}
    for name, title, kind, profile, offer in plan:
        key = make_key(kind)
        issuer, issuer_key = above.get("issuer", above.get("root", (None, key)))
        builder = certificate_builder(
            subject(f"{title} – {PRACTICE_MARK}", (NameOID.ORGANIZATION_NAME, organisation)),
            key.public_key(),
            issuer=issuer,
            validity=validity,
            profile=profile,
            offer=offer,
        )
        certificate = signed(builder, issuer_key)
        above[name] = certificate, key
        write_pair(directory, name, certificate=certificate, key=key)
