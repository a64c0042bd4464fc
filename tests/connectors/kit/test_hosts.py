"""Which addresses credentials may go to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.hosts import account_host, host_problem, is_test_host

ALLOWED = ("api.vendor.com", ".my.vendor.com")


@pytest.mark.parametrize("url", [
    "https://api.vendor.com", "https://api.vendor.com/", "https://API.vendor.com", "https://api.vendor.com:443",
    "https://acme.my.vendor.com", "https://a.b.my.vendor.com/",
])
def test_the_vendors_own_hosts_are_allowed(url):
    assert host_problem(url, ALLOWED) == ""
    assert host_problem(url, ALLOWED, test_hosts=True) == ""


@pytest.mark.parametrize("url", [
    "", "api.vendor.com", "http://api.vendor.com", "ftp://api.vendor.com", "https://vendor.com", "https://my.vendor.com",
    "https://xapi.vendor.com", "https://api.vendor.com.evil.example", "https://evil.example/api.vendor.com",
    "https://api.vendor.com@evil.example", "https://evil.example\\@api.vendor.com", "https://u:p@api.vendor.com",
    "https://api.vendor.com/path", "https://api.vendor.com?x", "https://api.vendor.com#x", "https://api.vendor.com:99999",
    "https://evil.example#.my.vendor.com", "https://api.ven\ndor.com", "https://\u0430pi.vendor.com",
    "https:api.vendor.com",
    "https://.my.vendor.com", "https://acme.my.vendor.com.", "https://[::1", "javascript://api.vendor.com/%0aalert(1)",
])
@pytest.mark.parametrize("test_hosts", [False, True])
def test_every_other_address_is_refused_with_a_reason(url, test_hosts):
    assert host_problem(url, ALLOWED, test_hosts=test_hosts)


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:8080/vendor", "http://localhost", "https://[::1]:1/x", "http://vendors:8080/x",
    "http://emulator.test", "http://a.localhost/b",
])
def test_test_hosts_are_allowed_only_where_the_setting_says_so(url):
    assert host_problem(url, ALLOWED, test_hosts=True) == ""
    assert host_problem(url, ALLOWED)


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "evil.example", "test.evil", "", "0.0.0.0"])
def test_what_could_be_somebody_elses_is_no_test_host(host):
    assert not is_test_host(host)


@given(st.text())
def test_no_text_at_all_gets_through_or_breaks_the_check(text):
    assert host_problem(f"https://{text}", ("only.vendor.com",)) or text.lower().startswith("only.vendor.com")


def test_the_reason_names_what_is_allowed():
    assert "api.vendor.com, *.my.vendor.com" in host_problem("https://evil.example", ALLOWED)


@pytest.mark.parametrize("text", ["acme", "ACME", "acme.vendor.com", "https://acme.vendor.com", "https://Acme.vendor.com/"])
def test_an_account_is_named_by_its_first_part_its_host_or_a_pasted_address(text):
    assert account_host(text, ".vendor.com") == "acme.vendor.com"


@pytest.mark.parametrize("text", [
    "", ".vendor.com", "vendor.com", "a.b", "a.b.vendor.com", "-acme", "acme-", "evil.example", "acme.vendor.com.evil",
    "acme.vendor.com/x", "http://acme.vendor.com", "x@acme", "acme:1", "ac me", "a" * 64,
])
def test_what_names_no_account_gives_no_host(text):
    assert account_host(text, ".vendor.com") == ""
