"""Exit codes are a contract: every reason has one, and the numbers never change."""

from __future__ import annotations

import pytest

import certs.errors
import exchange.cli.errors
import exchange.client.errors
import exchange.errors
import signer.errors
import storage.errors
from exchange.cli.exits import EXIT_CODES, ExitCode, exit_code_of, worst_verdict
from exchange.client.errors import ServiceRefused, ServiceUnavailable
from exchange.texts import knows

TREES: tuple[type[Exception], ...] = (
    certs.errors.CertsError,
    signer.errors.SignerError,
    storage.errors.StorageError,
    exchange.errors.ExchangeError,
    exchange.client.errors.ClientError,
    exchange.cli.errors.CliError,
)


def _reasons(tree: type[Exception]) -> set[str]:
    found = {str(getattr(tree, "reason", ""))}
    for child in tree.__subclasses__():
        found |= _reasons(child)
    return found - {""}


@pytest.mark.parametrize("tree", TREES)
def test_every_reason_has_an_exit_code(tree: type[Exception]) -> None:
    assert _reasons(tree) - EXIT_CODES.keys() == set()


def test_every_reason_of_the_table_has_a_sentence() -> None:
    assert {reason for reason in EXIT_CODES if not knows(reason, "vi")} == set()


def test_the_numbers_are_those_that_scripts_rely_on() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "INTERNAL": 1,
        "USAGE": 2,
        "INVALID": 3,
        "AUTHENTICATION": 4,
        "UNDETERMINED": 5,
        "PARTIAL": 6,
        "QUEUED": 7,
        "UNSIGNED": 8,
        "SERVICE": 9,
        "INTERRUPTED": 130,
    }


def test_a_reason_that_only_a_newer_service_knows_is_its_refusal() -> None:
    assert exit_code_of(ServiceRefused("", reason="COMES_LATER", code="ABORTED")) == 9
    assert exit_code_of(ServiceUnavailable()) == 9
    assert exit_code_of(KeyError()) == 1


def test_the_worst_verdict_decides() -> None:
    assert worst_verdict(["VALID", "UNSIGNED"]) == "UNSIGNED"
    assert worst_verdict(["INDETERMINATE", "UNSIGNED", "VALID"]) == "INDETERMINATE"
    assert worst_verdict(["INVALID", "INDETERMINATE"]) == "INVALID"
    assert worst_verdict(["VALID", "VALID"]) == "VALID"
