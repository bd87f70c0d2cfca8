"""Free entries in a cross-reference section that free what was free already (pure).

ISO 32000-2 §7.5.4 lists free objects in a section. Some producers repeat all of them in every
update.
"""

from __future__ import annotations

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader


class WithoutIdleFrees(HistoricalResolver):
    """A revision without the entries that free what was free already.

    Some producers repeat all free entries in every update. That changes nothing, but the engine
    counts each as the removal of an object.
    """

    def idle_frees(self) -> set[generic.Reference]:
        """Return what this revision frees although the revision before had no such object.

        Whatever generation the entry names: viewers free the object by its number alone.
        """
        freed: set[generic.Reference] = super().refs_freed_in_revision()  # type: ignore[no-untyped-call]
        living = self._living_numbers(self.revision - 1) if freed else frozenset()
        return {reference for reference in freed if reference.idnum not in living}

    def _living_numbers(self, revision: int) -> frozenset[int]:
        xrefs = self.reader.xrefs
        return frozenset(
            reference.idnum
            for each in range(revision + 1)
            for reference in xrefs.explicit_refs_in_revision(each)
            if xrefs.get_historical_ref(reference, revision) is not None
        )

    def refs_freed_in_revision(self) -> set[generic.Reference]:
        """Return what this revision really removes."""
        return super().refs_freed_in_revision() - self.idle_frees()  # type: ignore[no-untyped-call,no-any-return]

    def explicit_refs_in_revision(self) -> set[generic.Reference]:
        """Return what this revision really defines or removes."""
        return super().explicit_refs_in_revision() - self.idle_frees()  # type: ignore[no-untyped-call,no-any-return]


def freed_again_after(reader: PdfFileReader, revision: int) -> bool:
    """Whether a later revision frees what was free already."""
    later = range(revision + 1, reader.xrefs.total_revisions)
    return any(WithoutIdleFrees(reader, each).idle_frees() for each in later)
