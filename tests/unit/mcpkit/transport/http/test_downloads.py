"""The header fields of a download."""

import re
from email.message import EmailMessage

import pytest

from mcpkit.transport.http.downloads import disposition


@pytest.mark.parametrize(
    "name",
    [
        "invoice.pdf",
        "견적서 2026.hwp",
        'a"; filename="evil.exe',
        "a\r\nSet-Cookie: x=1.txt",
        "a\\b.txt",
        "naïve café.txt",
        "100%.txt",
        "\ud800.txt",
        "'quote'.txt",
        "",
    ],
)
def test_no_name_gets_out_of_its_field(name: str) -> None:
    field = disposition(name)
    found = re.fullmatch(
        r"attachment; filename=\"[A-Za-z0-9_ .()\[\]-]+\"; filename\*=UTF-8''([A-Za-z0-9._~%-]*)", field
    )
    assert found, field
    message = EmailMessage()
    message["Content-Disposition"] = f"attachment; filename*=UTF-8''{found[1]}"
    if name.isprintable() and name:
        assert message.get_filename() == name
