"""Which URLs a token or a secret may be sent to, and keys taken from."""

import ipaddress
from urllib.parse import urlsplit


def check_url(url: str) -> str:
    """The URL, where it is of https, or of http on the loopback interface (for development).

    Raises:
        ValueError: it is not.
    """
    if not url.isprintable() or " " in url:  # it may be shown on a terminal, which obeys control characters
        raise ValueError("must be a URL, which has neither spaces nor control characters")
    parts = urlsplit(url)
    if parts.username is not None or parts.fragment or not parts.hostname:
        raise ValueError("must be a URL such as https://login.example.com, without user name and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("must begin with https:// (http:// is for the loopback interface alone)")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
