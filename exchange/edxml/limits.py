"""How much of a stranger's edXML the reader takes before it refuses. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EdxmlLimits:
    """Limits of one message; whatever exceeds one is refused with EdxmlTooLarge.

    The largest message of the one axis whose sizes are known had 8 MB and 2.5 attachments on
    average; the largest attachments that any axis is known to take have 500 MB. Fields are at most
    500 characters by the rules. The defaults leave ample room above that; memory does not grow
    with attachments.
    """

    max_message_bytes: int = 700_000_000
    """Room for all attachments in base64, in lines or in one."""
    max_attachment_bytes: int = 500_000_000
    max_total_attachment_bytes: int = 500_000_000
    max_attachments: int = 500
    max_elements: int = 50_000
    max_depth: int = 32
    max_attributes: int = 32
    max_field_characters: int = 200_000
    max_text_characters: int = 5_000_000
    """Text of all elements together, the attachments' base64 aside."""
    max_token_bytes: int = 5_000_000
    """One name, tag or comment, which the parser holds in memory."""
    max_junk_bytes: int = 1_024
    """Bytes before the XML declaration that are dropped with a warning."""
    max_zip_ratio: int = 200
    """Unpacked to packed bytes of a wrapping zip, judged above one megabyte."""
    max_warnings: int = 500


DEFAULT_EDXML_LIMITS = EdxmlLimits()
