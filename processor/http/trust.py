"""Whom TLS trusts: the system's certificate authorities, else the bundle that `requests` brings."""

from __future__ import annotations

import ssl
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH


def authorities(ca_file: str | None = None) -> str:
    """The file of trusted authorities: `ca_file` where given, else what OpenSSL and SSL_CERT_FILE say."""
    # libcurl inside a wheel has the path of the system that it was built on, so it is always told.
    if ca_file is not None:
        return ca_file
    system = ssl.get_default_verify_paths().cafile
    return system if system and Path(system).is_file() else DEFAULT_CA_BUNDLE_PATH
