from mailquery.parsing.inspecting import inspect_message
from unit.parsing.messages import HEAD

NOBODY: frozenset[str] = frozenset()


def test_invisible_characters_are_counted_also_where_they_are_written_as_references() -> None:
    plain = inspect_message(HEAD + "\nHi\u200b\u2060 there\u202e\n".encode(), NOBODY)
    assert (plain.invisible, plain.deceiving) == (3, 1)
    html = inspect_message(HEAD + b"Content-Type: text/html\n\n<p>Hi&#8203;&zwnj;&#x202E;</p>\n", NOBODY)
    assert (html.invisible, html.deceiving) == (3, 1)


def test_a_flag_is_no_hidden_word_and_a_text_of_tags_is() -> None:
    england = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
    assert inspect_message(HEAD + f"\nGo {england}\n".encode(), NOBODY).deceiving == 0
    spelt = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    assert inspect_message(HEAD + f"\nGo {spelt}\n".encode(), NOBODY).deceiving == 4


def test_headers_and_file_names_are_looked_at_too() -> None:
    subject = HEAD.replace(b"Subject: s", "Subject: a\u200bb".encode())
    assert inspect_message(subject + b"\nx\n", NOBODY).invisible == 1


def test_terminal_escapes_are_counted() -> None:
    assert inspect_message(HEAD + b"\n\x1b[2J\x1b[31mred\x07\n", NOBODY).controls == 3


def test_any_bytes_are_inspected() -> None:
    for raw in (b"", b"\xff\xfe", b"\n" * 50, b"Content-Type: multipart/mixed; boundary=x\n\n--x\n--x--"):
        assert inspect_message(raw, NOBODY).hidden == ""
