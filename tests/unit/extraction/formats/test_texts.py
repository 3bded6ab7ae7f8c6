"""Plain texts in every charset; calendars and contacts by their fields."""

import pytest

from mailquery.domain.extraction import ExtractionState
from support.extracting import by_label, extracted, text_of

KOREAN = "안녕하세요, 계약서 초안을 첨부합니다. 확인 부탁드립니다.\n"


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        (KOREAN, "euc-kr"),
        (KOREAN, "iso-2022-kr"),
        (KOREAN + "똠방각하 펲시\n", "cp949"),
        (KOREAN, "utf-8-sig"),
        (KOREAN, "utf-16"),
        ("契約書の草案を添付します。ご確認ください。カタカナ\n" * 3, "shift_jis"),
        ("契約書の草案を添付します。ご確認ください。カタカナ\n" * 3, "iso2022_jp"),
        ("合同草案见附件,请您确认并回复。谢谢您的支持和帮助。\n" * 3, "gbk"),
        ("Проект договора во вложении. Пожалуйста, проверьте его.\n" * 3, "cp1251"),
    ],
)
def test_charsets(text: str, charset: str) -> None:
    assert text_of(extracted(text.encode(charset), "note.txt")) == text.strip("\n")


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.csv", "이름,금액\n사과,1\n".encode("cp949"), "text/csv"),
        ("a.json", b'{"a": [1, 2]}', "application/json"),
        ("a.xml", '<?xml version="1.0" encoding="euc-kr"?><a>한국어</a>'.encode("euc-kr"), "text/xml"),
    ],
)
def test_structured_texts_stay_as_they_are(name: str, data: bytes, expected: str) -> None:
    found = extracted(data, name)
    assert found.type == expected
    assert text_of(found) == data.decode("cp949").strip("\n")


def test_an_encoding_that_xml_declares_is_believed_where_little_else_tells_it() -> None:
    data = '<?xml version="1.0" encoding="windows-1251"?><a>Да</a>'.encode("cp1251")
    assert "<a>Да</a>" in text_of(extracted(data))


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Asia/Seoul
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0900
TZOFFSETTO:+0900
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1
SUMMARY:분기 회의
DTSTART;TZID=Asia/Seoul:20260309T100000
DTEND;TZID=Asia/Seoul:20260309T113000
RRULE:FREQ=WEEKLY;BYDAY=MO
EXDATE;TZID=Asia/Seoul:20260316T100000
LOCATION:회의실 3\\, 서울
ORGANIZER;CN=김민수:mailto:kim@example.com
ATTENDEE;CN="Lee, A";PARTSTAT=ACCEPTED:mailto:lee@example.com
ATTENDEE:mailto:park@example.com
DESCRIPTION:안건:\\n1. 예산
END:VEVENT
BEGIN:VEVENT
SUMMARY:All day
DTSTART;VALUE=DATE:20260401
DURATION:P2D
END:VEVENT
BEGIN:VTODO
SUMMARY:Send it
DUE:20260309T100000Z
END:VTODO
END:VCALENDAR
"""


def test_a_calendar() -> None:
    found = extracted(CALENDAR.replace("\n", "\r\n").encode())
    assert [section.text for section in found.sections] == [
        "What: 분기 회의\n"
        "When: 2026-03-09 10:00 Asia/Seoul to 2026-03-09 11:30 Asia/Seoul\n"
        "Repeats: FREQ=WEEKLY;BYDAY=MO\n"
        "Where: 회의실 3, 서울\n"
        "Organizer: 김민수 <kim@example.com>\n"
        "Attendees: Lee, A <lee@example.com> (accepted), park@example.com\n"
        "Description: 안건:\n1. 예산",
        "What: All day\nWhen: 2026-04-01, for 2 days, 0:00:00",
        "What: Send it\nDue: 2026-03-09 10:00 UTC",
    ]
    assert dict(found.facts) == {"purpose": "invitation", "events": "3"}


def test_what_repeats_without_end_is_one_event() -> None:
    source = CALENDAR.replace("FREQ=WEEKLY;BYDAY=MO", "FREQ=SECONDLY").encode()
    assert dict(extracted(source).facts)["events"] == "3"


def test_events_of_a_calendar_that_is_broken_in_one_place_are_kept() -> None:
    broken = CALENDAR.replace("DTSTART;VALUE=DATE:20260401", "DTSTART;VALUE=DATE:never\nnot a property")
    found = extracted(broken.encode())
    assert found.state is ExtractionState.DONE
    assert "분기 회의" in text_of(found)


VCARD_2 = (
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=EUC-KR;ENCODING=QUOTED-PRINTABLE:=B1=E8;=B9=CE=BC=\r\n=F6\r\n"
    "FN;CHARSET=EUC-KR;ENCODING=QUOTED-PRINTABLE:=B1=E8=B9=CE=BC=F6\r\nTEL;CELL:010-1234-5678\r\nEND:VCARD\r\n"
)
VCARD_3 = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Kim;Min\\, Su;;;\r\nitem1.EMAIL;TYPE=INTERNET,work:kim@example.com\r\n"
    "ORG:회사;영업부\r\nADR;TYPE=home:;;1 Street;Seoul;;04524;Korea\r\nNOTE:first\\nsec\r\n ond\r\nEND:VCARD\r\n"
)
VCARD_4 = 'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:이 수진\r\nTEL;VALUE=uri;TYPE="cell,work":tel:+82-10-1\r\nEND:VCARD\r\n'


def test_contacts_of_all_versions() -> None:
    found = extracted((VCARD_2 + VCARD_3 + VCARD_4).encode())
    assert [section.text for section in found.sections] == [
        "Name: 김민수\nTelephone: 010-1234-5678 (cell)",
        "Name: Min, Su Kim\nAddress: kim@example.com (work)\nOrganization: 회사, 영업부\n"
        "Post: 1 Street, Seoul, 04524, Korea (home)\nNote: first\nsecond",
        "Name: 이 수진\nTelephone: tel:+82-10-1 (cell, work)",
    ]
    assert [section.label for section in found.sections] == ["김민수", "Min, Su Kim", "이 수진"]


def test_a_page_by_the_charset_that_it_declares() -> None:
    source = '<html><meta charset="euc-kr"><body><p>견적</p><script>no</script></body></html>'.encode("euc-kr")
    assert by_label(extracted(source)) == {"": "견적"}
