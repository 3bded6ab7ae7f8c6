from mailquery.domain.messages import Body, Span, SpanKind
from mailquery.services.quotations import SaidBefore, own_words
from mailquery.services.reading import without_quotations


def body(*pieces: tuple[SpanKind, str]) -> Body:
    spans = []
    text = ""
    for kind, piece in pieces:
        spans.append(Span(kind, len(text), len(text) + len(piece)))
        text += piece
    return Body(text, tuple(spans))


TEXT, QUOTE, SIGNATURE = SpanKind.TEXT, SpanKind.QUOTE, SpanKind.SIGNATURE
FIRST = "The boat leaves on Friday at nine from the northern quay.\nBring the tickets and your passport.\n"


def quoted(text: str) -> str:
    return "On Mon, Ana wrote:\n" + "".join(f"> {line}\n" for line in text.splitlines())


def test_a_quotation_of_an_earlier_message_is_left_out_and_counted() -> None:
    said = SaidBefore()
    own_words(body((TEXT, FIRST)), said)
    text, left_out = own_words(body((TEXT, "I shall be there.\n"), (QUOTE, quoted(FIRST))), said)
    assert text == "I shall be there."
    assert left_out == len(quoted(FIRST))


def test_a_quotation_that_was_wrapped_anew_is_still_known() -> None:
    said = SaidBefore()
    own_words(body((TEXT, FIRST)), said)
    wrapped = quoted(
        "The boat leaves on Friday at nine\nfrom the northern quay.\nBring the tickets and your\npassport.\n"
    )
    text, _ = own_words(body((TEXT, "Fine.\n"), (QUOTE, wrapped)), said)
    assert text == "Fine."


def test_a_quotation_of_what_the_thread_lacks_is_kept_once() -> None:
    said = SaidBefore()
    lost = quoted(FIRST)
    text, left_out = own_words(body((TEXT, "See below.\n"), (QUOTE, lost)), said)
    assert "northern quay" in text
    assert left_out < len(lost)
    again, _ = own_words(body((TEXT, "And again.\n"), (QUOTE, lost)), said)
    assert again == "And again."


def test_an_attribution_line_alone_is_no_reason_to_keep_a_quotation() -> None:
    said = SaidBefore()
    own_words(body((TEXT, FIRST)), said)
    header = "From: Ana Lima of the Northern Shipping Company\nSent: Monday\nTo: Bo\nSubject: Boat\n\n" + FIRST
    text, _ = own_words(body((TEXT, "Good.\n"), (QUOTE, header)), said)
    assert text == "Good."


def test_a_message_that_only_quotes_is_given_whole() -> None:
    said = SaidBefore()
    own_words(body((TEXT, FIRST)), said)
    only = body((QUOTE, quoted(FIRST)))
    assert own_words(only, said) == (only.text, 0)


def test_a_footer_is_shown_once() -> None:
    footer = "-- \nHarbour list: harbour@lists.example\nhttps://lists.example/harbour for subscriptions\n"
    said = SaidBefore()
    first, _ = own_words(body((TEXT, FIRST), (SIGNATURE, footer)), said)
    assert "lists.example" in first
    assert own_words(body((TEXT, "Fine.\n"), (SIGNATURE, footer)), said) == ("Fine.", 0)


def test_many_lines_that_nobody_said_take_bounded_time() -> None:
    said = SaidBefore()
    own_words(body((TEXT, "".join(f"line number {number} of it\n" for number in range(40_000)))), said)
    hostile = "".join(f"> other line {number} here\n" for number in range(40_000))
    text, left_out = own_words(body((TEXT, "x\n"), (QUOTE, hostile)), said)
    assert text.startswith("x")
    assert left_out <= len(hostile)


def test_reading_without_history_says_where_it_was() -> None:
    text, left_out = without_quotations(body((TEXT, "Yes.\n"), (QUOTE, quoted(FIRST)), (SIGNATURE, "-- \nAna\n")))
    assert text == f"Yes.\n[{len(quoted(FIRST))} characters of quoted history]\n-- \nAna"
    assert left_out == len(quoted(FIRST))


def test_a_short_quotation_that_is_answered_below_stays() -> None:
    interleaved = body((QUOTE, "> Friday?\n"), (TEXT, "Yes.\n"), (QUOTE, "> At nine?\n"), (TEXT, "At ten.\n"))
    assert without_quotations(interleaved) == (interleaved.text.strip("\n"), 0)


def test_a_forwarded_message_is_not_taken_for_history() -> None:
    forwarded = body((TEXT, "\n"), (QUOTE, quoted(FIRST)))
    assert without_quotations(forwarded) == (forwarded.text, 0)
