"""Whether a raw signature value is one: by this key, over these data, in this scheme (pure)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa

from certs.schemes import DIGESTS, SchemeFamily, SignatureScheme, families_of


def is_signature_by(
    public_key: object, value: bytes, *, data: bytes, scheme: SignatureScheme
) -> bool:
    """Verify a value made elsewhere, in the form that CMS wants (see SchemeFamily).

    data are hashed here with the scheme's digest. A scheme that the key does not serve is no
    error: nothing can be its signature then.
    """
    if scheme.family not in families_of(public_key):
        return False
    digest = DIGESTS[scheme.digest_algorithm]
    try:
        match public_key:
            case rsa.RSAPublicKey() if scheme.family is SchemeFamily.RSA_PSS:
                # The salt's length stands in the CMS object: another one would not verify there.
                pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
                public_key.verify(value, data, pss, digest)
            case rsa.RSAPublicKey():
                public_key.verify(value, data, padding.PKCS1v15(), digest)
            case ec.EllipticCurvePublicKey():
                public_key.verify(value, data, ec.ECDSA(digest))
            case ed25519.Ed25519PublicKey():
                public_key.verify(value, data)
            case mldsa.MLDSA44PublicKey() | mldsa.MLDSA65PublicKey() | mldsa.MLDSA87PublicKey():
                public_key.verify(value, data)
            case _:
                return False
    except (InvalidSignature, ValueError):
        return False
    return True
