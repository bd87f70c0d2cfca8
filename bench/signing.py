"""Sign at B-B: documents of the plain kind and others, against pyHanko and the physical limit."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers import SimpleSigner

from bench import documents
from bench.harness import Contest, Entry, Gauge, Repeat, Sense, WrongResult
from bench.material import Material, document_of_size, material, now
from bench.plainly import TunedSigner, pss_signer, require_valid, sign_plainly
from certs.schemes import SchemeFamily, SignatureScheme
from signer.creation.credential import credential_of
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign, sign_tail
from signer.fastlane.lane import fast_update
from signer.pages.appearance import Appearance, Box
from signer.source import Source

PKCS1 = SignatureScheme(SchemeFamily.RSA_PKCS1, "sha256")
PSS = SignatureScheme(SchemeFamily.RSA_PSS, "sha256")
CURVE = SignatureScheme(SchemeFamily.ECDSA, "sha256")
LARGE_BYTES = 10_000_000
PLAIN = "plain pyHanko"
STAMP = Box(page=1, left_mm=30, bottom_mm=30, width_mm=60, height_mm=20)

Prepare = Callable[[], AbstractContextManager[Contest | Gauge]]
MakeDocument = Callable[[Material], bytes]


def request_for(scheme: SignatureScheme, **fields: object) -> SigningRequest:
    """Return a request for a signature at B-B, now."""
    return SigningRequest(level=Level.B_B, signed_at=now(), scheme=scheme, **fields)  # type: ignore[arg-type]


def ours(
    runner: asyncio.Runner,
    made: Material,
    *,
    document: bytes,
    scheme: SignatureScheme = PKCS1,
    **fields: object,
) -> Repeat:
    """Return our way of signing a document again and again."""

    async def once() -> bytes:
        return await sign(document, key=made.key, request=request_for(scheme, **fields))

    return in_loop(runner, once)


def in_loop(runner: asyncio.Runner, once: Callable[[], Awaitable[bytes]]) -> Repeat:
    """Return how to do something again and again in one loop."""
    last = [b""]

    async def repeatedly(times: int) -> None:
        for _ in range(times):
            last[0] = await once()

    def repeat(times: int) -> bytes:
        # Not the task's result: the loop writes that out in full, to say what it waits for.
        runner.run(repeatedly(times))
        return last[0]

    return repeat


def plainly(document: bytes, signer: SimpleSigner, **fields: object) -> Repeat:
    """Return pyHanko's way."""

    def repeat(times: int) -> bytes:
        signed = b""
        for _ in range(times):
            signed = sign_plainly(document, signer, **fields)  # type: ignore[arg-type]
        return signed

    return repeat


def require_plain(
    document: bytes, made: Material, *, scheme: SignatureScheme = PKCS1, **fields: object
) -> None:
    """Require that the quick way takes the document: the entry would measure something else."""
    credential = credential_of(made.key.certificate, made.key.chain, scheme=scheme)
    if not fast_update(
        Source.of_bytes(document),
        credential=credential,
        request=request_for(scheme, **fields),
        reserve=8,
    ):
        raise WrongResult("the quick way does not take this document")


def against_plain(
    make: MakeDocument, *, scheme: SignatureScheme = PKCS1, plain_kind: bool = True
) -> Prepare:
    """Return how to prepare: our way against plain pyHanko with the same scheme."""

    @contextmanager
    def prepare() -> Iterator[Contest]:
        with material("p256" if scheme is CURVE else "rsa2048") as made, asyncio.Runner() as runner:
            document = make(made)
            if plain_kind:
                require_plain(document, made, scheme=scheme)
            signer = pss_signer(made) if scheme is PSS else made.plain_signer
            signatures = 1 + document.count(b"/Type /Sig\n")
            name = f"Signature{signatures}"

            def check(one: object, other: object) -> None:
                for each in (one, other):
                    require_valid(each, made, document=document, signatures=signatures)

            yield Contest(
                ours=ours(runner, made, document=document, scheme=scheme),
                theirs=plainly(document, signer, field_name=name),
                check=check,
            )

    return prepare


def against_tuned(make: MakeDocument) -> Prepare:
    """Return how to prepare: our way against pyHanko tuned by public hooks."""

    @contextmanager
    def prepare() -> Iterator[Contest]:
        with material() as made, asyncio.Runner() as runner:
            document = make(made)
            require_plain(document, made, scheme=PKCS1)
            tuned = TunedSigner(made)

            def check(one: object, other: object) -> None:
                for each in (one, other):
                    require_valid(each, made, document=document)

            yield Contest(
                ours=ours(runner, made, document=document),
                theirs=in_loop(runner, lambda: tuned.sign(document)),
                check=check,
            )

    return prepare


@contextmanager
def _with_stamp() -> Iterator[Contest]:
    """A signature that is seen, with two lines of text, in a new field."""
    with material() as made, asyncio.Runner() as runner:
        spec = SigFieldSpec(sig_field_name="Signature1", box=(85, 85, 255, 142))

        def check(one: object, other: object) -> None:
            for each in (one, other):
                require_valid(each, made, document=made.document)

        seen = Appearance(lines=("Nguyễn Văn An", "2026"), box=STAMP)
        require_plain(made.document, made, appearance=seen)
        yield Contest(
            ours=ours(runner, made, document=made.document, appearance=seen),
            theirs=plainly(made.document, made.plain_signer, new_field=spec),
            check=check,
        )


@contextmanager
def _in_field() -> Iterator[Contest]:
    """A signature in an empty field that a form has already."""
    with material() as made, asyncio.Runner() as runner:
        document = documents.with_field("LanhDao")
        require_plain(document, made, field_name="LanhDao")

        def check(one: object, other: object) -> None:
            for each in (one, other):
                require_valid(each, made, document=document)

        yield Contest(
            ours=ours(runner, made, document=document, field_name="LanhDao"),
            theirs=plainly(document, made.plain_signer, field_name="LanhDao"),
            check=check,
        )


def _second(made: Material) -> bytes:
    """A document that is signed already."""
    return asyncio.run(sign(made.document, key=made.key, request=request_for(PKCS1)))


def over_floor(size_bytes: int) -> Prepare:
    """Return how to prepare: our way against SHA-256 of the file and one raw RSA operation."""

    @contextmanager
    def prepare() -> Iterator[Contest]:
        with material() as made, asyncio.Runner() as runner:
            document = document_of_size(size_bytes)
            require_plain(document, made, scheme=PKCS1)
            key = load_pem_private_key(made.issued.private_key_pem, None)
            assert isinstance(key, rsa.RSAPrivateKey)

            def check(one: object, other: object) -> None:
                whole = document + one if isinstance(one, bytes) else None
                require_valid(whole, made, document=document)
                if not isinstance(other, bytes) or len(other) != key.key_size // 8:
                    raise WrongResult("no signature")

            def floor(times: int) -> bytes:
                value = b""
                for _ in range(times):
                    digest = hashlib.sha256(document).digest()
                    value = key.sign(digest, padding.PKCS1v15(), hashes.SHA256())
                return value

            source = Source.of_bytes(document)

            async def once() -> bytes:
                return await sign_tail(source, key=made.key, request=request_for(PKCS1))

            tail = in_loop(runner, once)

            yield Contest(
                ours=tail,
                theirs=floor,
                check=check,
            )

    return prepare


def _entry(name: str, goal: float, *, prepare: Prepare, against: str = PLAIN) -> Entry:
    sense = Sense.AT_MOST if "floor" in name else Sense.AT_LEAST
    return Entry(name=name, goal=goal, against=against, prepare=prepare, sense=sense)


def _table(made: Material) -> bytes:
    return made.document


def _streams(_: Material) -> bytes:
    return documents.with_streams()


def _xmp(_: Material) -> bytes:
    return documents.with_xmp()


def _office(_: Material) -> bytes:
    return documents.of_an_office_program()


ENTRIES = (
    _entry("sign-table", 100, prepare=against_plain(_table)),
    _entry("sign-stream", 100, prepare=against_plain(_streams)),
    _entry("sign-xmp", 100, prepare=against_plain(_xmp)),
    _entry(
        "sign-pss",
        100,
        prepare=against_plain(_table, scheme=PSS),
        against="plain pyHanko, PSS both",
    ),
    _entry("sign-table-tuned", 4, prepare=against_tuned(_table), against="tuned pyHanko"),
    _entry("sign-stream-tuned", 4, prepare=against_tuned(_streams), against="tuned pyHanko"),
    _entry("sign-xmp-tuned", 4, prepare=against_tuned(_xmp), against="tuned pyHanko"),
    _entry("sign-field", 40, prepare=_in_field, against="plain pyHanko, field there"),
    _entry(
        "sign-second",
        40,
        prepare=against_plain(_second, plain_kind=False),
        against="plain pyHanko, signed",
    ),
    _entry("sign-stamp", 40, prepare=_with_stamp, against="plain pyHanko, visible"),
    _entry(
        "sign-office",
        40,
        prepare=against_plain(_office, plain_kind=False),
        against="plain pyHanko, LibreOffice",
    ),
    _entry(
        "sign-p256",
        60,
        prepare=against_plain(_table, scheme=CURVE),
        against="plain pyHanko, P-256 both",
    ),
    _entry("sign-floor-50k", 2, prepare=over_floor(50_000), against="SHA-256 + raw RSA"),
    _entry("sign-floor-10m", 1.2, prepare=over_floor(LARGE_BYTES), against="SHA-256 + raw RSA"),
)
