"""docs/operations.md and deploy/ tell operators the settings that the service really has."""

import re
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from exchange.server.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]


def sections() -> dict[str, type[BaseModel]]:
    """The sections of the configuration by name; lists of sections as their element."""
    found = {}
    for name, field in Settings.model_fields.items():
        arguments = get_args(field.annotation)
        found[name] = arguments[0] if arguments else field.annotation
    return {name: kind for name, kind in found.items() if isinstance(kind, type)}


def test_the_sample_configuration_loads() -> None:
    settings = load_settings(ROOT / "deploy" / "congvan.toml")
    assert settings.bootstrap[0].code == "H56"
    assert not settings.trust.allow_practice


def test_every_setting_stands_in_the_table_and_the_table_has_no_other() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.partition("\n## Configuration\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    told = [name for row in rows for name in re.findall(r"`(\w+\.\w+)`", row)]
    real = [f"{name}.{field}" for name, kind in sections().items() for field in kind.model_fields]
    assert sorted(told) == sorted(real)


def test_the_unit_starts_the_service_with_the_configuration_of_the_manual() -> None:
    unit = (ROOT / "deploy" / "congvan.service").read_text(encoding="utf-8")
    assert "congvan serve --config /etc/congvan/congvan.toml" in unit
    assert "User=congvan" in unit
