"""A message is cut into texts that a model reads to their end, of what its sender wrote."""

from mailquery.domain.messages import Body, Span, SpanKind
from mailquery.embedding.chunks import CHUNK_WORDS, MOST_CHUNKS, chunk_texts


def written(text: str) -> Body:
    return Body(text, (Span(SpanKind.TEXT, 0, len(text)),))


def spans(*parts: tuple[SpanKind, str]) -> Body:
    text = "".join(part for _, part in parts)
    found, start = [], 0
    for kind, part in parts:
        found.append(Span(kind, start, start + len(part)))
        start += len(part)
    return Body(text, tuple(found))


def test_the_subject_stands_with_every_chunk() -> None:
    chunks = chunk_texts("Trip to Busan", written("word " * (3 * CHUNK_WORDS)))
    assert len(chunks) == 3
    assert all(chunk.startswith("Trip to Busan\n") for chunk in chunks)


def test_every_word_stands_in_one_chunk_in_its_order() -> None:
    words = [f"w{number}" for number in range(1_000)]
    chunks = chunk_texts("", written(" ".join(words)))
    assert " ".join(chunks).split() == words
    assert all(len(chunk.split()) <= CHUNK_WORDS + 1 for chunk in chunks)


def test_no_short_rest_stands_by_itself() -> None:
    lengths = [len(chunk.split()) for chunk in chunk_texts("", written("word " * (CHUNK_WORDS + 4)))]
    assert len(lengths) == 2
    assert max(lengths) - min(lengths) <= 2


def test_quoted_history_signatures_and_links_are_left_out() -> None:
    body = spans(
        (SpanKind.TEXT, "I agree, see https://acme.example/secret-path and www.acme.example/other\n"),
        (SpanKind.QUOTE, "> the harbour wall\n"),
        (SpanKind.TEXT, "Regards\n"),
        (SpanKind.SIGNATURE, "-- \nAna, Chief Gardener\n"),
    )
    (chunk,) = chunk_texts("Re: wall", body)
    assert chunk == "Re: wall\nI agree, see and Regards"


def test_a_message_of_quotations_alone_has_its_subject() -> None:
    assert chunk_texts("Fwd: lunch", spans((SpanKind.QUOTE, "> noon?\n"))) == ["Fwd: lunch"]


def test_a_message_without_any_text_has_no_chunk() -> None:
    assert chunk_texts("  ", written("--- *** ---\n:-)\n")) == []


def test_an_endless_message_has_a_bounded_number_of_chunks() -> None:
    assert len(chunk_texts("log", written("line of a log file " * 100_000))) == MOST_CHUNKS


def test_text_without_spaces_is_cut_by_its_characters() -> None:
    chunks = chunk_texts("", written("会議の資料を送ります" * 200))
    assert len(chunks) > 2
    assert all(len(chunk) < 600 for chunk in chunks)
    assert "".join(chunks).replace(" ", "") == "会議の資料を送ります" * 200
