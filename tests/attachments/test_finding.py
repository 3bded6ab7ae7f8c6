"""What stands in attachments is found, and the row says where."""

from pathlib import Path

import fpdf

from attachments.files import DOCX, XLSX, docx, eml, pdf, xlsx, zipped
from mailquery.domain.handles import parse_handle
from mailquery.repositories.records import Visibility
from removal.archives import ask, take_out
from support.archives import Mail, temporary_archive
from support.calling import Caller

PAGES = ("The tenant pays the deposit", "Signed at Norrvikstrand", "USD 12,500")
CONTRACT = Mail(
    subject="The papers",
    text="As discussed, they are attached.",
    message_id="contract@x.example",
    files=(
        ("contract.pdf", "application/pdf", pdf(*PAGES)),
        ("budget.xlsx", XLSX, xlsx({"Income": [["rent", "900"]], "Reserve": [["quillfeather", "1,250.75"]]})),
        ("예산안.docx", DOCX, docx("분기 예산 검토 회의록", "The gantry collapsed")),
        ("notes.txt", "text/plain", "Kaffeemühle in der Küche".encode("latin-1")),
        ("list.csv", "text/csv", b"name;town\nOlufemi;Abeokuta\n"),
        ("bundle.zip", "application/zip", zipped({"deep/inner.docx": docx("A zirconium sample")})),
        ("fwd.eml", "message/rfc822", eml("Old matter", "The wombat escaped.", ("x.pdf", pdf("Inside marmalade")))),
    ),
)
PLAIN = Mail(subject="Deposit", text="The deposit and the gantry.", message_id="plain@x.example")
FOUND = [
    ("deposit", "contract.pdf", "page 1", "**deposit**"),
    ("tenants", "contract.pdf", "page 1", "**tenant**"),
    ("norrvikstrand", "contract.pdf", "page 2", "**Norrvikstrand**"),
    ('"USD 12,500"', "contract.pdf", "page 3", "**USD 12,500**"),
    ("12500", "contract.pdf", "page 3", "12,500"),
    ("norrvik*", "contract.pdf", "page 2", "Norrvikstrand"),
    ("attachment:norrvikstrand", "contract.pdf", "page 2", "**Norrvikstrand**"),
    ("quillfeather", "budget.xlsx", "sheet Reserve", "**quillfeather**"),
    ("1250.75", "budget.xlsx", "sheet Reserve", "1,250.75"),
    ("reserve", "budget.xlsx", "sheet Reserve", "**Reserve**"),
    ("검토", "예산안.docx", None, "**검토**"),
    ("회의", "예산안.docx", None, "**회의**록"),
    ("kaffeemuhle", "notes.txt", None, "**Kaffeemühle**"),
    ("abeokuta", "list.csv", None, "**Abeokuta**"),
    ("zirconium", "bundle.zip", "deep/inner.docx", "**zirconium**"),
    ("wombat", "fwd.eml", "message Old matter", "**wombat**"),
    ("marmalade", "fwd.eml", "x.pdf", "**marmalade**"),
    ("papers norrvikstrand", "contract.pdf", "page 2", "**Norrvikstrand**"),
    ("norrvikstrand -rhinoceros", "contract.pdf", "page 2", "**Norrvikstrand**"),
    ("rhinoceros OR zirconium", "bundle.zip", "deep/inner.docx", "**zirconium**"),
]


async def test_what_stands_anywhere_in_an_attachment_finds_its_message_and_the_row_says_where(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(CONTRACT, PLAIN)
        assert await archive.extract() == 7
        caller = Caller(archive.services)
        missed = []
        for query, name, place, marked in FOUND:
            for sort in ("relevance", "newest"):
                found = await caller.tool("search_messages", query=query, sort=sort)
                rows = [row for row in found["rows"] if row["id"] == CONTRACT.id and "match" not in row]
                matches = [each for row in rows for each in row.get("attachment_matches", ()) if each["name"] == name]
                if not any(marked in each["snippet"] and (place or "") in each.get("place", "") for each in matches):
                    missed.append((query, sort, found["rows"]))
        assert not missed, missed


async def test_what_a_file_says_of_itself_is_found(tmp_path: Path) -> None:
    made = fpdf.FPDF()
    made.set_title("Norrvikstrand ledger")
    made.set_author("Olufemi Quillfeather")
    made.set_producer("Wyverstone Writer")
    made.add_page()
    event = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260309T100000Z\r\nSUMMARY:Talk\r\nLOCATION:Gantry Hall\r\n"
    event += b"ATTENDEE;CN=Zirconia Smith:mailto:zs@x.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    files = (("l.pdf", "application/pdf", bytes(made.output())), ("t.ics", "text/calendar", event))
    mail = Mail(text="See these.", message_id="facts@x.example", files=files)
    async with temporary_archive(tmp_path) as archive:
        await archive.add(mail)
        await archive.extract()
        caller = Caller(archive.services)
        for query, name, marked in (
            ("norrvikstrand", "l.pdf", "title: **Norrvikstrand** ledger"),
            ("attachment:quillfeather", "l.pdf", "**Quillfeather**"),
            ("gantry hall", "t.ics", "**Gantry** **Hall**"),
            ("zirconia", "t.ics", "**Zirconia**"),
        ):
            (row,) = (await caller.tool("search_messages", query=query, sort="newest"))["rows"]
            (match,) = row["attachment_matches"]
            assert (match["name"], marked in match["snippet"]) == (name, True), match
        assert (await caller.tool("search_messages", query="wyverstone", sort="newest"))["rows"] == []
        take_out(tmp_path / "mail.db", [mail.id])
        assert ask(tmp_path / "mail.db", "SELECT * FROM removed") == []


async def test_fields_say_where_a_word_must_stand(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(CONTRACT, PLAIN)
        await archive.extract()
        caller = Caller(archive.services)
        for query, found in (
            ("deposit", {CONTRACT.id, PLAIN.id}),
            ("attachment:deposit", {CONTRACT.id}),
            ("-attachment:deposit", {PLAIN.id}),
            ("attachment:contract", {CONTRACT.id}),  # a name
            ("filename:contract", {CONTRACT.id}),
            ("filename:deposit", set()),
            ("subject:norrvikstrand", set()),
            ("body:norrvikstrand", set()),
            ('"Norrvikstrand USD"', set()),  # the end of one page and the beginning of the next
            ("with:norrvikstrand", set()),
        ):
            rows = (await caller.tool("search_messages", query=query, sort="newest"))["rows"]
            assert {row["id"] for row in rows} == found, query


async def test_a_message_that_says_it_itself_comes_before_one_that_has_it_in_a_file(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(CONTRACT, PLAIN)
        await archive.extract()
        rows = (await Caller(archive.services).tool("search_messages", query="gantry"))["rows"]
        assert [row["id"] for row in rows] == [PLAIN.id, CONTRACT.id]
        assert "attachment_matches" not in rows[0]
        (match,) = rows[1]["attachment_matches"]
        assert match["id"].startswith(f"{CONTRACT.id}-")


async def test_a_misspelt_word_is_compared_with_those_in_attachments(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        again = Mail(text="Twice.", files=CONTRACT.files[:1], message_id="again@x.example")
        await archive.add(CONTRACT, again)
        await archive.extract()
        found = await Caller(archive.services).tool("search_messages", query="norrvikstramd")
        assert found["did_you_mean"] == {"norrvikstramd": "norrvikstrand"}


async def test_codes_in_attachments_are_masked_in_what_is_shown(tmp_path: Path) -> None:
    mail = Mail(files=(("code.txt", "text/plain", b"Your verification code is 481516. Zanzibar Bank"),))
    async with temporary_archive(tmp_path) as archive:
        await archive.add(mail)
        await archive.extract()
        caller = Caller(archive.services)
        (row,) = (await caller.tool("search_messages", query="zanzibar"))["rows"]
        (match,) = row["attachment_matches"]
        assert "481516" not in match["snippet"]
        assert "**Zanzibar**" in match["snippet"]


async def test_an_attachment_in_an_account_that_the_caller_may_not_see_is_never_told(tmp_path: Path) -> None:
    theirs = Mail(**{**CONTRACT.__dict__, "account": "work"})
    async with temporary_archive(tmp_path) as archive:
        await archive.add(theirs, PLAIN)
        await archive.extract()
        caller = Caller(archive.services, accounts=frozenset({"local"}))
        for query in ("norrvikstrand", "attachment:deposit", "quillfeathre"):
            found = await caller.tool("search_messages", query=query)
            assert found["rows"] == []
            assert "did_you_mean" not in found
        texts = archive.extract.texts
        part = "2"
        key = parse_handle(CONTRACT.id)
        assert key is not None
        assert await texts.text(key[1], part, Visibility(frozenset({"local"}))) is None
        seen = await texts.text(key[1], part, Visibility())
        assert seen is not None
        assert seen.extraction is not None
        assert [section.label for section in seen.extraction.sections] == ["1", "2", "3"]
