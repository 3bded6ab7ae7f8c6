import re

from support.archives import Archive, Mail
from support.calling import Caller

LONG = "".join(f"Paragraph {number} about the harbour.\n" for number in range(1_000))


async def test_a_message_is_given_with_its_header_and_attachments(archive: Archive, caller: Caller) -> None:
    (stored,) = await archive.add(
        Mail(
            subject="Tickets",
            cc="Cy <cy@home.example>",
            headers=(("Reply-To", "desk@other.example"), ("List-Id", "Boats <boats.example>")),
            text="See you.\n\nOn Mon, 9 Mar 2026, Bo wrote:\n> When?\n> And where?\n",
            files=(("plan.pdf", "application/pdf", b"%PDF"),),
        )
    )
    result = await caller.tool("read_message", id=stored)
    assert result["from"] == "Ana Lima <ana@acme.example>"
    assert result["reply_to"] == ["desk@other.example"]
    assert result["cc"] == ["Cy <cy@home.example>"]
    assert result["date"] == "2026-03-09T14:05+09:00"
    assert result["body"].startswith("See you.")
    assert "And where" not in result["body"]
    assert result["quoted_left_out"] > 0
    (attachment,) = result["attachments"]
    assert (attachment["name"], attachment["type"], attachment["size"]) == ("plan.pdf", "application/pdf", 4)
    assert "truncated" not in result
    whole = await caller.tool("read_message", id=stored, include_quoted=True)
    assert "And where" in whole["body"]
    assert "include_quoted=true" in await caller.text("read_message", id=stored)


async def test_links_of_html_are_numbered(archive: Archive, caller: Caller) -> None:
    html = '<p>Pay <a href="https://pay.example/1">here</a> or <a href="https://pay.example/2">there</a></p>'
    (stored,) = await archive.add(
        Mail(raw=f"From: a@b.example\nSubject: x\nContent-Type: text/html\n\n{html}\n".encode())
    )
    result = await caller.tool("read_message", id=stored)
    assert [(link["n"], link["url"]) for link in result["links"]] == [
        (1, "https://pay.example/1"),
        (2, "https://pay.example/2"),
    ]
    assert "[1] https://pay.example/1 (here)" in await caller.text("read_message", id=stored)


async def test_following_the_offsets_reads_the_whole_body(archive: Archive, caller: Caller) -> None:
    (stored,) = await archive.add(Mail(text=LONG))
    body = ""
    offset = 0
    for _ in range(100):
        result = await caller.tool("read_message", id=stored, offset=offset, max_chars=3_000)
        body += result["body"]
        if "truncated" not in result:
            break
        following = re.search(r"offset=(\d+)", result["truncated"]["next"])
        assert following is not None
        assert int(following[1]) > offset
        assert result["truncated"]["omitted"] == result["length"] - int(following[1])
        offset = int(following[1])
    assert body.rstrip("\n") == LONG.rstrip("\n")


async def test_even_the_smallest_answer_gets_on(archive: Archive, caller: Caller) -> None:
    (stored,) = await archive.add(Mail(text=LONG))
    result = await caller.tool("read_message", id=stored, max_chars=1_000)
    assert result["body"]
    assert result["subject"] == "Hello"


async def test_problems_are_told(archive: Archive, caller: Caller) -> None:
    (stored,) = await archive.add(Mail(raw=b"From: a@b.example\nSubject: x\nDate: yesterday-ish\n\nbody\n"))
    result = await caller.tool("read_message", id=stored)
    assert any(problem.startswith("bad_date") for problem in result["problems"])
    assert result["date_from"] != "date"


async def test_invisible_text_does_not_get_through(archive: Archive, caller: Caller) -> None:
    (stored,) = await archive.add(Mail(text="Hello \u202ereversed\u202c and \U000e0041\U000e0042hidden\u200b tags."))
    text = await caller.text("read_message", id=stored)
    assert not re.search("[\u200b\u202a-\u202e\U000e0000-\U000e007f]", text)
    raw = await caller.text("read_message", id=stored, part="raw")
    assert not re.search("[\u200b\u202a-\u202e\U000e0000-\U000e007f]", raw)
