"""
Who may talk to the demo: pages that it served itself, and nobody else.

A web site that the user happens to visit can send requests to loopback. Its own name in ``Host`` (a name that was
pointed at 127.0.0.1) or in ``Origin`` gives it away.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # A new version of the demo on the same port must not meet the scripts of the old one.
    "Cache-Control": "no-cache",
}


def trusted(host: str, origin: str | None, *, bound_to: str) -> bool:
    """
    Tell whether a request comes from a page of the demo, or from no page at all.

    Args:
        host: The ``Host`` header.
        origin: The ``Origin`` header, or None if there is none: browsers leave it out of a page's own reads.
        bound_to: The address that is served. On loopback the host must be a name of loopback; who serves on another
            address is reached by names that nobody here can know.
    """
    if _is_loopback(bound_to) and not _is_loopback(_hostname(host)):
        return False
    return origin is None or urlsplit(origin).netloc == host


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
