"""Addresses that customers choose: one reading, and no way into a private network."""

import pytest

from connectors.kit.endpoint import endpoint_problem, parse_endpoint


@pytest.mark.parametrize(("url", "origin", "rest"), [
    ("https://api.example.com", "https://api.example.com", "/"),
    ("HTTPS://API.Example.com:443/a?b=1", "https://api.example.com", "/a?b=1"),
    ("https://api.example.com:8443/x", "https://api.example.com:8443", "/x"),
    ("https://example.com?x=1", "https://example.com", "/?x=1"),
    ("https://müller.example/a", "https://xn--mller-kva.example", "/a"),
    ("https://[2606:4700::1111]:444/", "https://[2606:4700::1111]:444", "/"),
    ("https://8.8.8.8/", "https://8.8.8.8", "/"),
])
def test_an_address_is_taken_apart(url, origin, rest):
    endpoint = parse_endpoint(url)
    assert (endpoint.origin, endpoint.rest) == (origin, rest)


@pytest.mark.parametrize("url", [
    "", "example.com/a", "ftp://example.com", "https://", "https:///a", "https://user@example.com/",
    "https://user:pw@example.com/", "https://example.com#f", "https://exa mple.com", "https://example.com\\@evil.com/",
    "https://example.com/a b", "https://example.com/\n", "https://%host%.example.com/", "https://example.com:%port%/",
    "https://example.com:0/", "https://example.com:99999/", "https://example.com:/", "https://a..b/",
    "https://example.com./", "https://2130706433/", "https://0177.0.0.1/", "https://0x7f.1/", "https://127.1/",
    "https://[::1/", "https://[1.2.3.4]x/", "https://ex℀mple.com/", "https://-a.example/", "https://exam_ple!.com/",
])
def test_what_readers_could_understand_differently_is_refused(url):
    with pytest.raises(ValueError, match=r"."):
        parse_endpoint(url)


@pytest.mark.parametrize("url", [
    "http://api.example.com/", "https://api.example.com:8443/", "https://localhost/", "https://intranet/",
    "https://db.internal/", "https://printer.local/", "https://web.svc/", "https://127.0.0.1/", "https://10.1.2.3/",
    "https://169.254.169.254/latest/meta-data", "https://192.168.0.1/", "https://100.64.0.1/", "https://0.0.0.0/",
    "https://224.0.0.1/", "https://[::1]/", "https://[fe80::1]/", "https://[fc00::1]/", "https://[::ffff:10.0.0.1]/",
])
def test_private_places_are_refused_unless_they_are_allowed_on_purpose(url):
    endpoint = parse_endpoint(url)
    assert endpoint_problem(endpoint, (), private=False)
    assert endpoint_problem(endpoint, (), private=True) == ""


def test_an_allow_list_admits_its_own_and_their_ports_only():
    allowed = ("api.example.com", "hooks.example.com:8443")
    problems = {url: endpoint_problem(parse_endpoint(f"https://{url}/"), allowed, private=False) for url in (
        "api.example.com", "hooks.example.com:8443", "hooks.example.com", "api.example.com:8443", "evil.example.com")}
    assert [url for url, problem in problems.items() if not problem] == ["api.example.com", "hooks.example.com:8443"]


def test_public_hosts_need_no_list():
    assert endpoint_problem(parse_endpoint("https://api.example.com/x"), (), private=False) == ""
