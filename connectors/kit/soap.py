"""SOAP 1.1 messages: written with every value escaped, read without document types or entities."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from connectors.kit.http import Scalar, scalar

XML = "text/xml; charset=utf-8"
_NO_HEADER = b"<s:Header/>"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FORBIDDEN = re.compile("<!(doctype|entity)", re.IGNORECASE)


def text(value: Scalar) -> str:
    """`value` as XML text; characters that XML cannot carry are left out."""
    return escape(_NOT_XML.sub("", scalar(value)), {"\r": "&#13;"})


def element(name: str, *content: str, attributes: Mapping[str, str] | None = None) -> str:
    """An element around `content`, which is XML already."""
    marks = "".join(f" {key}={quoteattr(_NOT_XML.sub('', value))}" for key, value in (attributes or {}).items())
    return f"<{name}{marks}>{''.join(content)}</{name}>"


def leaf(name: str, value: Scalar) -> str:
    """An element around plain text."""
    return element(name, text(value))


def envelope(body: str) -> bytes:
    """A message with an empty header, into which the signer puts the credentials."""
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{_NO_HEADER.decode()}<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def with_header(message: bytes, header: str) -> bytes:
    """`message`, made by `envelope`, with `header` in its header; raises ValueError for any other message."""
    before, found, after = message.partition(_NO_HEADER)
    if not found:
        raise ValueError("the message has no empty header to fill")
    return before + element("s:Header", header).encode() + after


def parse(message: bytes) -> ET.Element:
    """The root of a message; raises ValueError where it is no XML, or declares a document type or entities."""
    words = message.decode("utf-8-sig")
    if _FORBIDDEN.search(words):
        raise ValueError("the message declares a document type or an entity")
    try:
        return ET.fromstring(words)  # noqa: S314 - no document type, hence no entities, as checked above
    except ET.ParseError as error:
        raise ValueError(f"the message is no XML: {error}") from None


def found(root: ET.Element, name: str) -> Iterator[ET.Element]:
    """All elements of that name below `root`, whatever their namespace."""
    return (one for one in root.iter() if _local(one) == name)


def value(parent: ET.Element, *path: str) -> str:
    """The text at `path`, child by child whatever their namespaces; "" where any of it is absent."""
    here: ET.Element | None = parent
    for name in path:
        here = next((one for one in here if _local(one) == name), None) if here is not None else None
    return (here.text or "").strip() if here is not None else ""


def first(root: ET.Element, name: str) -> str:
    """The text of the first element of that name anywhere below `root`; "" where there is none."""
    return next(((one.text or "").strip() for one in found(root, name)), "")


def _local(one: ET.Element) -> str:
    return str(one.tag).rpartition("}")[2]
