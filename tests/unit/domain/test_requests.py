import pytest

from mailquery.domain.requests import asking_sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Hi Bo,\n\nthe draft is done. Could we meet on\nMonday? Best, Ana", "Could we meet on Monday?"),
        ("How are you? Please send me the invoice.", "Please send me the invoice."),
        ("Let me know by Friday.", "Let me know by Friday."),
        ("Bitte schicken Sie mir den Vertrag.", "Bitte schicken Sie mir den Vertrag."),
        ("Pourriez-vous confirmer la date.", "Pourriez-vous confirmer la date."),
        ("¿Cuándo llega el paquete?", "¿Cuándo llega el paquete?"),
        ("안녕하세요. 견적서를 보내 주세요. 감사합니다.", "견적서를 보내 주세요."),
        ("회의 시간을 확인 부탁드립니다.", "회의 시간을 확인 부탁드립니다."),
        ("내일 가능할까요", "내일 가능할까요"),
        ("資料を送ってください。よろしくお願いします。", "資料を送ってください。"),
        ("请确认一下时间。谢谢", "请确认一下时间。"),
        ("您明天有空吗？", "您明天有空吗？"),
    ],
)
def test_the_sentence_that_asks_is_found(text: str, sentence: str) -> None:
    assert asking_sentence(text) == sentence


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thanks, all good. See https://shop.example/cart?item=7 for the rest.",
        "How are you? I am fine.",
        "Any questions?",
        "Please find attached the report.",
        "Please do not hesitate to write.",
        "첨부 파일을 보냈습니다. 감사합니다.",
        "참고 부탁드립니다.",
        "よろしくお願いします。",
        "Bitte beachten Sie die neue Adresse.",
        "From: Ana Souza <ana*shop.example?> http://shop.example/list",
    ],
)
def test_what_asks_nothing_is_none(text: str) -> None:
    assert asking_sentence(text) is None


def test_long_text_without_any_end_costs_little() -> None:
    for text in ("\n " * 50_000, "a " * 50_000, "?" * 50_000, "please " * 20_000, ". " * 50_000):
        asking_sentence(text)
