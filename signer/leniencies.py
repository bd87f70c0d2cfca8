"""Leniencies: what a good document of another maker may have that it should not (pure).

Each is tolerated because it can't change what was signed or what is shown, and each is named on
every signature it concerns: a report never hides that it looked past something.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Leniency(StrEnum):
    """An oddity that was let pass (dung sai). The values are stable; never rename one."""

    # The file.
    HYBRID_REFERENCES = "HYBRID_REFERENCES"
    """A table of objects for old readers and one for new (ISO 32000-2 §7.5.8.4). Both readings
    were compared and show the same document."""
    COMMENT_BEFORE_END = "COMMENT_BEFORE_END"
    """A comment stands between trailer and startxref, where some makers write their name. No
    object is hidden in it."""
    STARTXREF_EARLY = "STARTXREF_EARLY"
    """The offset behind startxref points at white space in front of the cross-reference section."""
    TABLE_ROWS_UNEVEN = "TABLE_ROWS_UNEVEN"
    """Rows of a cross-reference table are not 20 bytes long (ISO 32000-2 §7.5.4): their line ends
    are of one byte, or of three. Every row is read whole, and no object is named twice."""
    STREAM_NUMBER_REUSED = "STREAM_NUMBER_REUSED"
    """An update gives an object the number of a cross-reference stream that no table lists. By the
    tables nothing had that number, and the document named no such object before."""
    WHITE_SPACE_AFTER_END = "WHITE_SPACE_AFTER_END"
    """White space follows the last signed byte, the same as behind an older signature within what
    was signed: the maker's own. It shows nothing."""
    # Later revisions.
    FREED_AGAIN = "FREED_AGAIN"
    """An update lists objects as freed that no earlier revision had. What is not there can't be
    removed."""
    STORE_REWRITTEN = "STORE_REWRITTEN"
    """An update wrote entries of the security store's /VRI anew or left them out. Evidence shows
    nothing, and what is left out is evidence that is missing."""
    OUTPUT_INTENT_ADDED = "OUTPUT_INTENT_ADDED"
    """An update added an output intent with a profile of plain sRGB, which is how viewers show the
    colours anyway. Its primaries and curves were compared."""
    ANNOTATION_TYPED = "ANNOTATION_TYPED"
    """An update wrote /Type /Annot into annotations that lacked it, and nothing else. They can't be
    of another type (ISO 32000-2 table 166)."""
    RESOURCES_COPIED = "RESOURCES_COPIED"
    """An update wrote a page's resources again under another number. They are equal in every entry
    in each revision, and name the same objects."""
    STRUCTURE_GROWN = "STRUCTURE_GROWN"
    """An update added an element to the structure tree for each new signature field. No page shows
    the tree, what was in it stayed as it was, and the element says no more than that."""
    STREAMS_MISSING = "STREAMS_MISSING"
    """The trailer's /AdditionalStreams names objects that the file lacks: they are null, and must
    stay so."""
    # The signature's dictionary and its container.
    TIMESTAMP_TYPED_SIG = "TIMESTAMP_TYPED_SIG"
    """A document time-stamp says /Type /Sig instead of /DocTimeStamp (ISO 32000-2 table 255). Its
    /SubFilter tells what it is, and it is judged as that alone."""
    BER_ENCODING = "BER_ENCODING"
    """The CMS object has lengths that only BER allows (EN 319 142-1 wants DER). Digests are taken
    over the bytes as received."""
    ATTRIBUTES_UNSORTED = "ATTRIBUTES_UNSORTED"
    """The signed attributes are not in DER's order (X.690 §11.6). They are hashed as received, so
    none can be moved."""
    NEGATIVE_MODULUS = "NEGATIVE_MODULUS"
    """The certificate's RSA modulus is encoded as a negative number; the same bytes without a sign
    are its one meaning. Its owner is not trusted by it."""
    SCHEME_AS_DIGEST = "SCHEME_AS_DIGEST"
    """The digest's name is that of a signature scheme with this digest. It is weak by itself."""
    CERTIFICATE_NAMED_BY_SHA1 = "CERTIFICATE_NAMED_BY_SHA1"
    """The signed attribute names the certificate by a SHA-1 digest (RFC 2634). Serial number and
    issuer are compared too, and the certificate's path is proved by itself."""
    # Time.
    CLOCK_AHEAD = "CLOCK_AHEAD"
    """A time-stamp, or a signature without one, says that it is up to five minutes younger than our
    clock, or than a time-stamp that covers it. No judgement gains by it."""


def ordered(found: Iterable[Leniency]) -> tuple[Leniency, ...]:
    """Return each leniency once, in the order of their declaration."""
    named = frozenset(found)
    return tuple(each for each in Leniency if each in named)
