"""Whom the fetching policy lets be asked: exact places, rewrites, networks and public addresses."""

from __future__ import annotations

import pytest

from certs.errors import FetchRefused
from certs.fetching.policy import FetchPolicy, Rewrite, parse_policy

CLOSED = "http://ocsp.ca.ptc => http://ocsp.ca.gov.vn"


def rewriting(*rules: str) -> FetchPolicy:
    return parse_policy(allowed=["ocsp.ca.gov.vn:80", "crl.example:8080"], rewrites=rules)


@pytest.mark.parametrize(
    ("rule", "url", "asked"),
    [
        (CLOSED, "http://ocsp.ca.ptc", "http://ocsp.ca.gov.vn/"),
        (CLOSED, "http://ocsp.ca.ptc/", "http://ocsp.ca.gov.vn/"),
        (CLOSED, "http://OCSP.ca.ptc:80/a%2Fb?c=d&e", "http://ocsp.ca.gov.vn/a%2Fb?c=d&e"),
        (
            "ocsp.ca.ptc => ocsp.ca.gov.vn/ocsp",
            "http://ocsp.ca.ptc/x",
            "http://ocsp.ca.gov.vn/ocsp/x",
        ),
        (
            "http://old.example/crl/ => http://crl.example:8080/lists",
            "http://old.example/crl/a.crl",
            "http://crl.example:8080/lists/a.crl",
        ),
        (
            "https://closed.example => http://crl.example:8080",
            "https://closed.example/a.crl",
            "http://crl.example:8080/a.crl",
        ),
    ],
)
def test_a_rewritten_address_is_asked_for_elsewhere(rule: str, url: str, asked: str) -> None:
    assert str(rewriting(rule).admit(url)) == asked


@pytest.mark.parametrize(
    "url",
    [
        "http://ocsp.ca.ptc.evil.example/",
        "http://evil.example/http://ocsp.ca.ptc/",
        "http://ocsp.ca.ptc:8080/",
        "http://ocsp.ca.ptc@evil.example/",
        "https://ocsp.ca.ptc/",
        "http://ocsp.ca.pt/",
        "http://ocsp.ca.ptc./",
    ],
)
def test_only_the_exact_host_is_rewritten(url: str) -> None:
    with pytest.raises(FetchRefused):
        rewriting(CLOSED).admit(url)


@pytest.mark.parametrize("path", ["/crlx/a", "/cr", "/", "/crl/../a", "/crl%2f../a"])
def test_a_path_is_rewritten_by_whole_parts_only(path: str) -> None:
    policy = rewriting("http://old.example/crl => http://crl.example:8080")
    with pytest.raises(FetchRefused, match=r"old\.example:80 is not in the allow-list"):
        policy.admit(f"http://old.example{path}")


def test_the_most_exact_rule_counts_and_no_rule_follows_another() -> None:
    policy = rewriting(
        "http://a.example => http://b.example",
        "http://a.example/crl => http://crl.example:8080",
        "http://b.example => http://ocsp.ca.gov.vn",
    )
    assert policy.admit("http://a.example/crl/1").host == "crl.example"
    with pytest.raises(FetchRefused, match=r"b\.example:80"):
        policy.admit("http://a.example/ocsp")


def test_the_allow_list_holds_for_the_rewritten_address() -> None:
    policy = parse_policy(allowed=["ocsp.ca.ptc:80"], rewrites=[CLOSED])
    with pytest.raises(FetchRefused, match=r"ocsp\.ca\.gov\.vn:80 is not in the allow-list"):
        policy.admit("http://ocsp.ca.ptc/")


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example",
        "=> http://b.example",
        "http://a.example =>",
        "http://a.example => https://b.example",
        "http://a.example => http://u:p@b.example",
        "http://a.example => http://b.example/?q=1",
        "http://a.example => file:///etc/passwd",
    ],
)
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Rewrite.parse(text)


INNER = [
    "127.0.0.1",
    "10.0.0.7",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "localhost",
    "0x7f000001",
    "127.1",
    "",
]


@pytest.mark.parametrize("address", INNER)
def test_a_name_leads_to_no_inner_address(address: str) -> None:
    assert not parse_policy(allowed=["ocsp.example:80"]).admits_address(address, 80)


@pytest.mark.parametrize("address", ["203.162.4.190", "2402:800::1", "::ffff:203.162.4.190"])
def test_a_name_may_lead_to_a_public_address(address: str) -> None:
    assert FetchPolicy().admits_address(address, 80)


def test_a_network_that_is_listed_admits_what_names_lead_to_but_nothing_in_urls() -> None:
    policy = parse_policy(allowed=["ocsp.example:80", "10.20.0.0/16:80", "[fd00::/8]:80"])
    assert policy.admits_address("10.20.3.4", 80)
    assert policy.admits_address("::ffff:10.20.3.4", 80)
    assert policy.admits_address("fd00::1", 80)
    assert not policy.admits_address("10.20.3.4", 8080)
    assert not policy.admits_address("10.21.0.1", 80)
    with pytest.raises(FetchRefused, match="allow-list"):
        policy.admit("http://10.20.3.4/")


def test_an_address_is_the_same_however_it_is_written() -> None:
    policy = parse_policy(allowed=["[FD00:0:0::1]:80", "[fd00::2]:8080"])
    for url in ("http://[fd00::1]/", "http://[FD00:0000::0001]:80/", "http://[fd00:0::2]:8080/"):
        policy.admit(url)


@pytest.mark.parametrize("text", ["host", "host:", ":80", "host:0", "host:65536", "10.0.0.1/8:80"])
def test_what_is_no_place_and_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_policy(allowed=[text])


@pytest.mark.parametrize(
    "proxy", ["https://proxy:3128", "socks5://proxy:1080", "http://u:p@proxy:1"]
)
def test_a_proxy_speaks_http_and_has_no_password(proxy: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_policy(proxy=proxy)
