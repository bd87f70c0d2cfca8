"""What docs/operations.md says of whom to trust: its commands run, its words are the program's."""

import os
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.trust.anchor_rules import AnchorRefusal
from certs.trust.anchors import AnchorClass
from certs.trust.files import load_trust_store
from exchange.cli.main import main
from tests.docs.readme_blocks import BLOCK
from tests.support.trusted_lists import Scheme, Service, State, list_xml, signed
from tests.support.unmarked import Made, unmarked

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
FINGERPRINT = re.compile(r"\b(?:[0-9A-Fa-f]{2}[: ]?){20,}\b")


def section() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text.partition("\n## Whom to trust\n")[2].partition("\n## ")[0]


def commands() -> list[str]:
    """The commands of the section, in the order of the page."""
    lines = "".join(match["text"] for match in BLOCK.finditer(section()))
    return lines.replace("\\\n", " ").splitlines()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of which the page speaks, and the fingerprints that the operator was told."""
    now = datetime.now(UTC).replace(microsecond=0)
    made: dict[str, Made] = {
        "CONG_VU": unmarked("cong-vu", since=datetime(2020, 1, 1, tzinfo=UTC)),
        "NEAC": unmarked("neac", since=datetime(2020, 1, 1, tzinfo=UTC)),
        "PUBLISHER": unmarked("publisher", ca=None),
    }
    for name, file in (
        ("CONG_VU", "cong-vu-root"),
        ("NEAC", "neac-root"),
        ("PUBLISHER", "list-publisher"),
    ):
        (tmp_path / f"{file}.crt").write_bytes(made[name].pem)
        monkeypatch.setenv(f"{name}_SHA256", made[name].sha256)
    listed = Service(
        certificates=(unmarked("listed").der,), states=(State(since=now - timedelta(days=9)),)
    )
    scheme = Scheme(
        issued=(now - timedelta(days=2)).isoformat(),
        next_update=f"<dateTime>{(now + timedelta(days=90)).isoformat()}</dateTime>",
    )
    content = signed(list_xml(listed, scheme=scheme), made["PUBLISHER"])
    (tmp_path / "list.xml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_every_command_runs_in_order_and_the_store_is_what_the_page_says(desk: Path) -> None:
    lines = commands()
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(os.path.expandvars(line))
        assert words[0] == "congvan"
        assert main(words[1:]) == 0, line
    anchors = load_trust_store(desk / "trust").anchors
    assert [each.anchor_class for each in anchors] == [
        AnchorClass.CONG_VU,
        AnchorClass.CONG_CONG,
        AnchorClass.FOREIGN,
    ]
    assert anchors[1].valid_until == datetime(2030, 12, 31, 16, 59, 59, tzinfo=UTC)


def test_every_reason_to_refuse_an_anchor_is_told() -> None:
    told = set(re.findall(r"`([A-Z_]+)`", section()))
    assert set(AnchorRefusal) - {AnchorRefusal.UNREADABLE} <= told
    assert set(AnchorClass) <= told


def test_the_page_has_no_fingerprint_of_anybody() -> None:
    assert not FINGERPRINT.search(section())
