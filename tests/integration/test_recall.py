"""Text without spaces between words is found by any substring that a person would type."""

import random
from datetime import timedelta

import pytest

from integration.archives import Archive
from integration.mailmaker import NOON, mail, placed
from mailquery.domain.queries import TextField, Words
from mailquery.domain.words import fold

ALPHABETS = {
    "korean": "예산안회의일정확인부탁드립니다검토요청서울출장비용정산",
    "japanese": "会議資料サーバー設定のお願いを確認して決算説明会ください",
    "chinese": "发票会议增值税付款通知项目进度报告请查收谢谢囍",
    "thai": "สวัสดีครับประชุมวันจันทร์ใบแจ้งหนี้ค่าใช้จ่ายกรุงเทพ",
}


@pytest.mark.parametrize("language", ALPHABETS)
async def test_every_substring_of_the_text_finds_exactly_the_messages_that_have_it(
    archive: Archive, language: str
) -> None:
    rng = random.Random(language)
    alphabet = ALPHABETS[language]
    bodies = []
    for _ in range(120):
        # Stretches of the alphabet in their own order, mixed with Latin words, marks and blanks.
        pieces = []
        for _ in range(rng.randint(1, 6)):
            start = rng.randrange(len(alphabet))
            pieces.append(alphabet[start : start + rng.randint(1, 7)])
            pieces.append(rng.choice(["", " ", ", ", "。", " v2 ", "\n"]))
        bodies.append("".join(pieces))
    messages = [mail(f"n{n}", body, date=NOON + timedelta(seconds=n)) for n, body in enumerate(bodies)]
    await archive.add(*((message, [placed(message)]) for message in messages))
    for length in (1, 2, 3, 5):
        for start in range(0, len(alphabet) - length, 2):
            term = alphabet[start : start + length]
            if language == "thai" and not term[0].isalpha():
                continue  # nobody begins a search with a mark that belongs to the consonant before it
            expected = {f"n{n}" for n, body in enumerate(bodies) if fold(term) in fold(body)}
            found = await archive.find(Words(term, TextField.BODY), limit=1000)
            assert {row.subject for row in found.rows} == expected, term
