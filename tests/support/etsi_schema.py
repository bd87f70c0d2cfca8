"""The official schema of TS 119 102-2 v1.4.1, out of what EU DSS was built with."""

from __future__ import annotations

import zipfile
from typing import Final

from lxml import etree

from tests.support.java_judges import PROGRAM

_LIBRARIES: Final = PROGRAM.parent / "lib"
_REPORT: Final = "TS119102-2-v141.xsd"
# DSS ships these under other names than those by which the schemas import each other.
_NAMES: Final = {
    "XAdES.xsd": "XAdES01903v132-202407.xsd",
    "ts_119612v020201_201601xsd.xsd": "ts_119612v020101_xsd.xsd",
}


class _Shipped(etree.Resolver):
    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        for library in _LIBRARIES.glob("specs-*.jar"):
            with zipfile.ZipFile(library) as archive:
                for name in archive.namelist():
                    if name.startswith("xsd/"):
                        self._files[name.removeprefix("xsd/")] = archive.read(name)

    def resolve(  # type: ignore[override] # lxml hands over its context besides
        self, system_url: str, public_id: str, context: object
    ) -> object:
        del public_id
        name = system_url.rpartition("/")[2]
        name = _NAMES.get(name, name)
        return self.resolve_string(self._files[name], context, base_url=f"file:///xsd/{name}")


def etsi_schema() -> etree.XMLSchema:
    """The schema, ready to validate; judge marker "dss": tests/judges must have been built."""
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Shipped())
    return etree.XMLSchema(etree.parse(f"file:///xsd/{_REPORT}", parser))
