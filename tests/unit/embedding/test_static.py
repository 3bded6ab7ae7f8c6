"""The word vectors that need no network, as they are installed."""

import subprocess
import sys

import numpy as np
import pytest

from mailquery.embedding.static import DIMENSIONS, StaticEmbedder


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    return StaticEmbedder()


async def test_rows_have_length_one_and_the_declared_dimensions(embedder: StaticEmbedder) -> None:
    vectors = await embedder.embed(["Your flight is confirmed", "x", "Lunch on Friday?"])
    assert vectors.shape == (3, DIMENSIONS) == (3, embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


async def test_a_question_is_nearest_to_what_answers_it_in_other_words(embedder: StaticEmbedder) -> None:
    answers = {
        "the cheap seats to the coast": "Your low-cost airline ticket to the beach: boarding pass and flight details",
        "money we still owe": "Invoice overdue: payment reminder for the outstanding balance",
        "physician appointment": "The doctor can see you at the clinic on Tuesday",
    }
    questions = await embedder.embed(list(answers))
    texts = await embedder.embed(list(answers.values()))
    assert (questions @ texts.T).argmax(axis=1).tolist() == [0, 1, 2]


async def test_a_text_has_the_same_vector_alone_and_among_others(embedder: StaticEmbedder) -> None:
    texts = [f"message number {number} about gardens " * (number % 7) for number in range(200)]
    together = await embedder.embed(texts)
    alone = await embedder.embed(texts[137:138])
    assert together[137] == pytest.approx(alone[0], abs=1e-6)


@pytest.mark.parametrize(
    "text", ["예산안 회의는 금요일입니다", "สวัสดีครับ ประชุมวันศุกร์", "会議の資料", "\U0001f600 \ud83d", "a\0b"]
)
async def test_text_in_any_script_has_a_vector(embedder: StaticEmbedder, text: str) -> None:
    vectors = await embedder.embed([text])
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)


async def test_no_text_has_a_vector_of_zeros(embedder: StaticEmbedder) -> None:
    assert not (await embedder.embed([""])).any()
    assert (await embedder.embed([])).shape == (0, DIMENSIONS)


async def test_only_the_beginning_of_a_very_long_text_counts(embedder: StaticEmbedder) -> None:
    long = await embedder.embed(["garden wall " * 5_000, "garden wall " * 5_000 + "rocket"])
    assert long[0] == pytest.approx(long[1])


def test_it_is_made_without_importing_what_it_is_made_of() -> None:
    program = (
        "import sys; from mailquery.embedding.static import NEEDED, StaticEmbedder\n"
        "from mailquery.embedding.packages import missing\n"
        "assert not missing(NEEDED); StaticEmbedder()\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'tokenizers', 'safetensors', 'wordllama')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_embedding_runs_nothing_of_the_package_that_carries_the_vectors() -> None:
    program = (
        "import asyncio, sys; from mailquery.embedding.static import StaticEmbedder\n"
        "assert asyncio.run(StaticEmbedder().embed(['hello'])).any()\n"
        "sys.exit('wordllama' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
