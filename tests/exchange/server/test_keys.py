"""PINs of keys in tokens: from a file of their own, which not everybody may read."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.errors import SettingInvalid
from exchange.server.keys import load_keys
from exchange.server.settings import Settings, load_settings
from tests.exchange.server.test_settings import MINIMAL, written

SECTION = """
[[signing_keys]]
id = "seal"
endpoint = "H56"
module = "absent.so"
key_id = "10"
"""


def settings_with(directory: Path, line: str) -> Settings:
    return load_settings(written(directory, MINIMAL + SECTION + line + "\n"))


def pin_file(directory: Path, content: bytes, *, mode: int = 0o600) -> None:
    path = directory / "pin"
    path.write_bytes(content)
    path.chmod(mode)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"240168\n", 0o644, "everybody may read it"),
        (b"\n240168\n", 0o600, "its first line is no PIN"),
        (b"2" * 300, 0o600, "its first line is no PIN"),
        (None, 0o600, "No such file"),
    ],
)
async def test_a_pin_file_that_is_none_is_named(
    tmp_path: Path, content: bytes | None, mode: int, said: str
) -> None:
    if content is not None:
        pin_file(tmp_path, content, mode=mode)
    with pytest.raises(SettingInvalid) as refused:
        await load_keys(settings_with(tmp_path, 'pin_file = "pin"'))
    assert said in str(refused.value)
    assert "signing_keys seal: pin_file" in str(refused.value)
    assert "240168" not in str(refused.value)


async def test_a_variable_that_names_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="HSM_PIN_FILE is not set"):
        await load_keys(settings_with(tmp_path, 'pin_file_variable = "HSM_PIN_FILE"'))
