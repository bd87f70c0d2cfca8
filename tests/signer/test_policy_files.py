"""Policies as files: what is read, and what is refused with every place that is wrong."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from certs.trust.anchors import AnchorClass, Block
from signer.errors import PolicyInvalid, PolicyNotInForce
from signer.policy import values as policy_module
from signer.policy.files import MAX_BYTES, parse_policy, policy_bytes, read_policy, shipped_policies
from signer.policy.values import (
    Accepted,
    Algorithms,
    DocumentKind,
    DocumentRules,
    Format,
    SignatureRules,
    Weakness,
)
from signer.verdicts import SignatureKind, SignatureLevel

DEFAULT_FILE = shipped_policies()["default"]
TEXT = DEFAULT_FILE.read_text("utf-8")


def changed(old: str, new: str) -> bytes:
    assert old in TEXT
    return TEXT.replace(old, new, 1).encode()


def faults(content: bytes) -> str:
    with pytest.raises(PolicyInvalid) as refused:
        parse_policy(content, source="mine.toml")
    return refused.value.detail


def test_the_default_policy_is_the_shipped_file() -> None:
    # Where this fails after a change of the file, policy.DEFAULT needs the same and the new digest.
    assert read_policy(DEFAULT_FILE) == policy_module.DEFAULT


def test_every_shipped_policy_is_read_and_bears_its_files_name() -> None:
    assert {name: read_policy(path).name for name, path in shipped_policies().items()} == {
        name: name for name in shipped_policies()
    }


def test_a_policy_is_known_by_name_version_and_the_bytes_of_its_file() -> None:
    default = policy_module.DEFAULT
    assert default.label == f"default@1#{default.digest[:12]}"
    other = parse_policy(changed('version = "1"', 'version = "2"'))
    assert other.label.startswith("default@2#")
    assert parse_policy(TEXT.encode() + b"\n").label != default.label
    assert default.for_block(Block.PARTY).label == default.label
    official = read_policy(shipped_policies()["official-documents"])
    asked = [
        each.for_block(Block.PARTY).for_kind(DocumentKind.COPY) for each in (official, default)
    ]
    assert asked[0].question == f"{official.label}/PARTY/COPY"
    # The default rules alike for all: it is one question, and its answers may be given again.
    assert asked[1].question == default.question == f"{default.label}/-/-"


def test_a_policy_says_what_it_asks_of_each_block_and_kind() -> None:
    content = (
        TEXT.replace('accepted = ["PADES"]', 'accepted = ["PADES", "ADBE_PKCS7_DETACHED"]')
        .replace('sha224 = "open"', "sha224 = 2029-01-01")
        .replace('least_level = "B-B"', 'least_level = { SIGNATURE = "B-B", SEAL = "B-T" }')
        + """
[blocks.PARTY]
anchor_classes = ["CONG_VU"]
own_anchors = true
proved_time = true

[documents.ORIGINAL]
signers = ["SIGNATURE", "SEAL"]
seal_last = true
"""
    )
    policy = parse_policy(content.encode())
    assert policy.formats == {Format.PADES, Format.ADBE_PKCS7_DETACHED}
    assert policy.algorithms.digests[0] == Accepted(name="sha224", ends_on=date(2029, 1, 1))
    stamped_seals = SignatureRules(
        least_signature=SignatureLevel.B_B, least_seal=SignatureLevel.B_T
    )
    assert policy.signature_rules == stamped_seals
    # What a block does not say is as for all.
    assert policy.for_block(Block.PARTY).signature_rules == replace(
        stamped_seals,
        anchor_classes=frozenset({AnchorClass.CONG_VU}),
        own_anchors=True,
        proved_time=True,
    )
    assert policy.for_block(Block.STATE).signature_rules == policy.rules
    original = DocumentRules(
        signers=frozenset({SignatureKind.SIGNATURE, SignatureKind.SEAL}), seal_last=True
    )
    assert policy.document_rules == original
    assert policy.for_kind(DocumentKind.ORIGINAL).document_rules == original
    assert policy.for_kind(DocumentKind.COPY).document_rules == DocumentRules()


def test_an_algorithm_counts_until_the_day_that_ends_it() -> None:
    text = TEXT.replace('2048 = "open"', '2048 = 2029-01-01\n3072 = "open"')
    policy = parse_policy(text.replace('sha224 = "open"\n', "").encode())
    before = datetime(2028, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    after = datetime(2029, 1, 1, tzinfo=UTC)
    small = Algorithms(digest="sha256", scheme="rsassa_pss", rsa_bits=3071)
    assert policy.weakness(small, at=before) is None
    assert policy.weakness(small, at=after) == Weakness(
        what="RSA of 3071 bits", ended_on=date(2029, 1, 1)
    )
    large = Algorithms(digest="sha256", scheme="rsassa_pss", rsa_bits=3072)
    assert policy.weakness(large, at=after) is None
    assert policy.weakness(Algorithms(digest="sha224"), at=before) == Weakness(what="sha224")
    assert policy.weakness(Algorithms(rsa_bits=2047), at=before) == Weakness(
        what="RSA of 2047 bits"
    )
    assert policy.weakness(Algorithms(curve="secp192r1"), at=before) == Weakness(what="secp192r1")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('name = "default"', 'name = "Chính sách"', "name: "),
        ('name = "default"', "", "name: missing"),
        ('version = "1"', "version = 1", "version: "),
        ("valid_from = 2025-08-15", "valid_from = 2025-08-15T00:00:00Z", "valid_from: a date"),
        ('sha256 = "open"', 'sha1 = "open"', "algorithms.digests: sha1: never accepted here"),
        ('ecdsa = "open"', 'dsa = "open"', "algorithms.schemes: dsa: never accepted here"),
        ('2048 = "open"', '1024 = "open"', "algorithms.rsa_bits: each once, from 2048 on"),
        ('2048 = "open"', 'many = "open"', "algorithms.rsa_bits.many: a number of bits"),
        ('sha256 = "open"', 'sha256 = "always"', "algorithms.digests.sha256: a date is needed"),
        ('["PADES"]', '["ADBE_PKCS7_DETACHED"]', "formats: PADES can't be left out"),
        ('["PADES"]', '["ANYTHING"]', "formats.accepted: a list is needed of PADES"),
        ('least_level = "B-B"', 'least_level = "OTHER"', "rules: the least level"),
        ('least_level = "B-B"', 'least_level = "B-X"', "rules.least_level: a level is needed"),
        ("anchor_classes = []", 'anchor_classes = ["UNSTATED"]', "UNSTATED is no class"),
        ("own_anchors = false", 'own_anchors = "no"', "rules.own_anchors: true or false"),
        ("own_anchors", "own_anchor", "rules.own_anchor: unknown"),
        ("[rules]", "[blocks.OTHER]\n[rules]", "blocks.OTHER: unknown"),
        ("[rules]", '[documents.COPY]\nsigners = ["DOC_TIMESTAMP"]\n[rules]', "nobody's signature"),
        ("[rules]", "[integrity]\nrequired = false\n[rules]", "integrity: unknown"),
        ("[rules]", "[[rules]]", "rules: a table is needed"),
    ],
)
def test_a_file_that_says_something_else_is_refused_at_its_place(
    old: str, new: str, place: str
) -> None:
    assert place in faults(changed(old, new))


def test_all_places_that_are_wrong_are_named_together() -> None:
    content = changed('least_level = "B-B"', 'least_level = "B-X"').replace(b'"PADES"', b'"XADES"')
    found = faults(content.replace(b'sha256 = "open"', b"sha256 = 1"))
    assert found.startswith("mine.toml: ")
    for place in ("formats.accepted", "rules.least_level", "algorithms.digests.sha256"):
        assert place in found


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"a = [", b"[" * 5_000, b"a = " + b"[" * 5_000, b"name = 1\nname = 2"]
)
def test_what_is_no_policy_at_all_is_refused(content: bytes) -> None:
    assert faults(content).startswith("mine.toml: ")


def test_a_file_full_of_strange_keys_is_not_repeated_whole() -> None:
    content = "\n".join(f'key{number} = "\\u0007"' for number in range(2_000))
    assert len(faults(content.encode())) < 2_000


def test_a_file_that_is_too_large_or_not_there_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    for path in (large, tmp_path / "none.toml", tmp_path):
        with pytest.raises(PolicyInvalid):
            policy_bytes(path)


def test_a_policy_is_refused_before_the_day_from_which_it_is_valid() -> None:
    policy = parse_policy(changed("valid_from = 2025-08-15", "valid_from = 2027-01-01"))
    with pytest.raises(PolicyNotInForce) as refused:
        policy.in_force(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert refused.value.reason == "POLICY_NOT_IN_FORCE"
    assert "2027-01-01" in refused.value.detail
    begun = datetime(2027, 1, 1, tzinfo=UTC)
    assert policy.in_force(begun) is policy
    # The day begins in UTC, wherever the clock stands that tells the instant.
    assert policy.in_force(begun.astimezone(timezone(timedelta(hours=-5)))) is policy
