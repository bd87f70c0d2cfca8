"""The engine's walk through the page tree for new annotations, past pages left alone (pure).

For each later revision the engine reads every page of both, to compare which annotations they name.
A page that stands where it stood, and names its annotations itself or in an object that stands
where it stood, names the same ones: the engine would go on to the next page, and so it is left out
here. All other pages, and whatever is not as it should be, are left to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis.rules import form_field_rules

from signer.engine.bare_objects import Ref
from signer.engine.usages import bare_objects

original_walk_pages: Final[Callable[..., Iterator[Any]]] = form_field_rules._walk_page_tree_annots
_FURTHER: Final = ("field_name_dict", "old", "valid_when_locked", "refs_seen")


def walk_pages(
    old_page_root: generic.DictionaryObject,
    new_page_root: generic.DictionaryObject,
    *further: Any,  # noqa: ANN401 - as the original: names, old, valid_when_locked, refs_seen
    **named: Any,  # noqa: ANN401
) -> Iterator[Any]:
    """Walk the tree as the original does, past the pages that both revisions have alike."""
    roots = old_page_root, new_page_root
    try:
        given = dict(zip(_FURTHER, further, strict=False)) | named
        roots = _without_untouched(*roots, old=given["old"], seen=given["refs_seen"])
    except MemoryError:
        raise
    except Exception:  # noqa: S110 - whatever it is, the original has its own words for it
        pass
    return original_walk_pages(*roots, *further, **named)


def _without_untouched(
    old_root: generic.DictionaryObject,
    new_root: generic.DictionaryObject,
    *,
    old: HistoricalResolver,
    seen: frozenset[generic.Reference] | set[generic.Reference],
) -> tuple[generic.DictionaryObject, generic.DictionaryObject]:
    """Return nodes of the page tree with the kids alone that the original has to look at."""
    kids, others = old_root["/Kids"], new_root["/Kids"]
    if not isinstance(kids, generic.ArrayObject) or list.__ne__(kids, others):
        return old_root, new_root
    references = [kid.reference for kid in list.__iter__(kids)]
    # The newer revision is that which the newer node's kids belong to.
    [new] = {each.get_pdf_handler() for each in list.__iter__(others)}
    if not isinstance(new, HistoricalResolver) or new.reader is not old.reader:
        return old_root, new_root
    left = [
        index
        for index, each in enumerate(references)
        if each in seen or not _untouched(Ref(each.idnum, each.generation), old, new=new)
    ]
    if len(left) == len(references):
        return old_root, new_root
    return _with_kids(kids, left), _with_kids(others, left)


def _with_kids(kids: generic.ArrayObject, left: list[int]) -> generic.DictionaryObject:
    chosen = generic.ArrayObject(list.__getitem__(kids, index) for index in left)
    return generic.DictionaryObject({"/Kids": chosen})  # type: ignore[no-untyped-call]


def _untouched(target: Ref, old: HistoricalResolver, *, new: HistoricalResolver) -> bool:
    """Whether it is a page on which both revisions have the same annotations."""
    document = bare_objects(old.reader)
    revisions = old.revision, new.revision
    if not document.same(target, revisions):
        return False
    page, _ = document.read(target, old)
    if type(page) is not dict or page.get("/Type") != "/Page":
        return False
    annotations = page.get("/Annots", [])
    if type(annotations) is Ref:
        if not document.same(annotations, revisions):
            return False
        annotations, _ = document.read(annotations, old)
    return type(annotations) is list and all(type(each) is Ref for each in annotations)
