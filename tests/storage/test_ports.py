"""The names and values of storage: digests, keys, errors."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import errors
from storage.errors import DigestInvalid, StorageError
from storage.ports import StoredObject, digest_of, object_key, parse_digest


@given(st.binary())
def test_a_digest_of_any_bytes_is_their_sha256_and_reads_back(content: bytes) -> None:
    digest = digest_of(content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert parse_digest(str(digest)) == digest


@given(st.text(max_size=70))
def test_any_other_text_is_no_digest(text: str) -> None:
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        with pytest.raises(DigestInvalid):
            parse_digest(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 64,
        "a" * 63,
        "a" * 65,
        "a" * 64 + "\n",
        "../" * 21 + "a",
        "a" * 63 + "\N{FULLWIDTH DIGIT ONE}",
        "a" * 63 + "\N{ARABIC-INDIC DIGIT ONE}",
    ],
)
def test_what_only_looks_like_a_digest_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(DigestInvalid) as refused:
        parse_digest(text)
    assert not text or text not in str(refused.value)


@given(st.binary(), st.binary())
def test_keys_sort_as_their_digests_do(one: bytes, other: bytes) -> None:
    a, b = digest_of(one), digest_of(other)
    assert (object_key(a) < object_key(b)) == (a < b)
    assert object_key(a) == f"objects/{a[:2]}/{a[2:4]}/{a}"


def test_an_object_of_negative_size_can_not_be() -> None:
    with pytest.raises(ValueError, match="negative"):
        StoredObject(digest=digest_of(b""), size_bytes=-1)


def test_an_error_tells_what_happened_what_to_do_and_the_detail() -> None:
    assert str(errors.ObjectMissing("abc")) == (
        "No object with this SHA-256 is kept here. Upload the content first. (abc)"
    )
    assert str(errors.StorageFull()).endswith("send it again.")


def test_the_tree_at_the_top_of_the_errors_names_each_of_them_with_its_reason() -> None:
    for error in StorageError.__subclasses__():
        lines = [line for line in (errors.__doc__ or "").splitlines() if error.__name__ in line]
        assert len(lines) == 1, error
        assert f" {error.reason} " in lines[0]
