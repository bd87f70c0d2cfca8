"""RSA keys whose modulus was encoded as a negative number, read as it was meant (pure).

DER wants a zero byte before a modulus whose first bit is set (X.690 §8.3.3), and the first Estonian
identity cards left it out. A negative modulus means nothing, so there is one other reading: the
same bytes without a sign. Only the signature's value is judged with it; the certificate itself
stays unsuitable for a trusted path, so that nothing passes by this.
"""

from __future__ import annotations

from asn1crypto import keys


def with_unsigned_modulus(public_key: keys.PublicKeyInfo) -> keys.PublicKeyInfo:
    """Return the key with its RSA modulus without a sign; any other key as it is."""
    if public_key["algorithm"]["algorithm"].native != "rsa":
        return public_key
    written: keys.RSAPublicKey = public_key["public_key"].parsed
    if written["modulus"].native >= 0:
        return public_key
    meant = keys.RSAPublicKey(
        {
            "modulus": int.from_bytes(written["modulus"].contents, "big"),
            "public_exponent": written["public_exponent"].native,
        }
    )
    return keys.PublicKeyInfo({"algorithm": public_key["algorithm"], "public_key": meant})
