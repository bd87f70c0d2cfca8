"""What makes the PDF sheet an archival file (ISO 19005-2, level b): colours, metadata, its time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

from PIL import ImageCms
from reportlab.pdfbase import pdfdoc
from reportlab.pdfgen.canvas import Canvas

from exchange.vietnam_time import VIETNAM_TIME

_DATE: Final = slice(24, 36)
"""When an ICC profile was made (ICC.1:2010 §7.2.8): this one is made anew for each process."""
_VERSION: Final = (1, 7)
_XMP: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
<dc:format>application/pdf</dc:format>
<dc:language><rdf:Bag><rdf:li>vi</rdf:li></rdf:Bag></dc:language>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{program}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<pdf:Producer>{program}</pdf:Producer>
<xmp:CreatorTool>{program}</xmp:CreatorTool>
<xmp:CreateDate>{made_at}</xmp:CreateDate>
<xmp:ModifyDate>{made_at}</xmp:ModifyDate>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the file says of itself, in its Info dictionary and its metadata alike."""

    title: str
    subject: str
    program: str
    made_at: datetime


class _Content(pdfdoc.PDFObject):
    """A stream's content with the end of line behind it that does not count (6.1.7.1)."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def format(self, document: pdfdoc.PDFDocument) -> bytes:
        """Return what stands in the file."""
        del document
        return self._content + b"\n"


class _LineEnds(pdfdoc.NoEncryption):
    """Where the writer would encrypt a stream, the one place that sees the content of all."""

    def encode(self, t: str | bytes) -> Any:  # noqa: ANN401 - what the writer then formats
        """Take the content of one stream."""
        return _Content(t if isinstance(t, bytes) else pdfdoc.pdfdocEnc(t))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instant:
    """An instant as the PDF writer wants it."""

    YMDhms: tuple[int, ...]
    dhh: int
    dmm: int
    t: float


def make_archival(canvas: Canvas, description: Description) -> None:
    """Add the metadata and the colour profile; take the file's times from the description."""
    document: Any = canvas._doc  # type: ignore[attr-defined]
    at = description.made_at.astimezone(VIETNAM_TIME).replace(microsecond=0)
    document._timeStamp = _Instant(YMDhms=at.timetuple()[:6], dhh=7, dmm=0, t=at.timestamp())
    document.encrypt = _LineEnds()
    document._pdfVersion = _VERSION
    document.updateSignature(repr(description))
    catalog = document.Catalog
    # What its colours mean (ISO 32000-1 §14.11.5) is an entry that the writer does not know.
    catalog.__NoDefault__ = [*catalog.__NoDefault__, "OutputIntents"]
    catalog.Metadata = _stream(
        _metadata(description, at=at).encode("utf-8"), Type="/Metadata", Subtype="/XML"
    )
    profile = document.Reference(_stream(_srgb(), N="3"))
    intent = {
        "Type": pdfdoc.PDFName("OutputIntent"),
        "S": pdfdoc.PDFName("GTS_PDFA1"),
        "OutputConditionIdentifier": pdfdoc.PDFString("sRGB"),
        "Info": pdfdoc.PDFString("sRGB IEC61966-2.1"),
        "DestOutputProfile": profile,
    }
    catalog.OutputIntents = pdfdoc.PDFArray([pdfdoc.PDFDictionary(intent)])


def _metadata(description: Description, *, at: datetime) -> str:
    return _XMP.format(
        title=escape(description.title),
        subject=escape(description.subject),
        program=escape(description.program),
        made_at=at.isoformat(),
    )


def _stream(content: bytes, **entries: str) -> pdfdoc.PDFStream:
    # Not compressed: whoever looks for metadata without a PDF reader finds it (ISO 19005-2 6.6.2).
    return pdfdoc.PDFStream(pdfdoc.PDFDictionary(dict(entries)), content, filters=[])


@cache
def _srgb() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DATE] = bytes(12)
    return bytes(profile)
