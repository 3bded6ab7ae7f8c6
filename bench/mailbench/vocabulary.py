"""The words that synthetic mail is written with: one Zipf-distributed vocabulary per language, made from a seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

WORDS = 60_000
"""Distinct words of the English-like vocabulary; the other languages have a third of it."""


@dataclass(frozen=True, slots=True)
class Language:
    """How text of one language is put together.

    `charsets` are (label, Python codec, weight): what a message says it is written in, and what its bytes really are,
    which in old mail is often the label's superset. `planted` are terms and the share of the language's messages that
    have them, beside those where chance puts them together. `endings` are glued to words, each as often as the others.
    """

    code: str
    weight: float
    charsets: tuple[tuple[str, str, float], ...]
    planted: tuple[tuple[str, float], ...]
    attribution: str
    names: tuple[str, ...]
    space: str = " "
    stop: str = "."
    pause: str = ""  # between clauses
    endings: tuple[str, ...] = ("",)

    @property
    def spaced_latin(self) -> bool:
        return self.code in {"en", "de", "fr"}


LANGUAGES = (
    Language(
        "en",
        0.60,
        (
            ("utf-8", "utf-8", 0.60),
            ("us-ascii", "ascii", 0.25),
            ("iso-8859-1", "cp1252", 0.08),
            ("windows-1252", "cp1252", 0.07),
        ),
        (),
        "On {date}, {name} <{address}> wrote:",
        (
            "Alice Moore",
            "Bob Hart",
            "Carol Quinn",
            "Daniel Reyes",
            "Erin Shaw",
            "Frank Olsen",
            "Grace Lin",
            "Hugh Bell",
        ),
    ),
    Language(
        "ko",
        0.15,
        (("utf-8", "utf-8", 0.5), ("euc-kr", "cp949", 0.25), ("ks_c_5601-1987", "cp949", 0.25)),
        (
            ("회의", 0.80),
            ("예산", 0.80),
            ("견적서", 0.30),
            ("예산안", 0.01),
            ("똠방각하", 0.05),
            ("하반기영업계획", 0.02),
        ),
        "{date}, {name} <{address}> 님이 작성:",
        ("김민준", "이서연", "박지훈", "최수빈", "정하은", "강도윤"),
        endings=("", "", "", "", "", "", "은", "는", "이", "가", "을", "를", "에", "에서", "으로", "의", "까지"),
    ),
    Language(
        "ja",
        0.08,
        (("utf-8", "utf-8", 0.5), ("iso-2022-jp", "iso2022_jp", 0.3), ("shift_jis", "cp932", 0.2)),
        (("会議", 0.80), ("資料", 0.80), ("サーバー", 0.70), ("請求書", 0.20), ("決算説明会", 0.015), ("税", 0.02)),
        "{date}, {name} <{address}> のメッセージ:",
        ("佐藤健", "鈴木花子", "高橋誠", "田中美咲", "伊藤翔"),
        space="",
        stop="。",
        pause="、",
        endings=("", "の", "は", "を", "に", "で", "と", "から"),
    ),
    Language(
        "zh",
        0.07,
        (("utf-8", "utf-8", 0.5), ("gb18030", "gb18030", 0.25), ("gb2312", "gbk", 0.25)),
        (("发票", 0.80), ("会议", 0.80), ("合同", 0.50), ("增值税发票", 0.015), ("囍", 0.07), ("项目进度报告", 0.05)),
        "{name} <{address}> 于{date}写道:",
        ("王伟", "李娜", "张敏", "刘洋", "陈静"),
        space="",
        stop="。",
        pause="，",
        endings=("", "的", "了", "和", "在"),
    ),
    Language(
        "th",
        0.03,
        (("utf-8", "utf-8", 0.7), ("tis-620", "tis_620", 0.2), ("windows-874", "cp874", 0.1)),
        (("ประชุม", 0.70), ("งบประมาณ", 0.40), ("ใบแจ้งหนี้", 0.20), ("สัญญาเช่า", 0.02)),
        "เมื่อ {date} {name} <{address}> เขียนว่า:",
        ("สมชาย ใจดี", "สุดา แก้วมณี", "อนันต์ ศรีสุข"),
        space="",
        stop=" ",
        pause=" ",
    ),
    Language(
        "de",
        0.04,
        (("utf-8", "utf-8", 0.6), ("iso-8859-1", "cp1252", 0.3), ("windows-1252", "cp1252", 0.1)),
        (),
        "Am {date} schrieb {name} <{address}>:",
        ("Jürgen Groß", "Käthe Müller", "Sören Weiß"),
    ),
    Language(
        "fr",
        0.03,
        (("utf-8", "utf-8", 0.6), ("iso-8859-1", "cp1252", 0.4)),
        (),
        "Le {date}, {name} <{address}> a écrit :",
        ("Hélène Dupré", "François Lefèvre", "Zoé Côté"),
    ),
)

TERMS = tuple(term for language in LANGUAGES for term, _ in language.planted)
"""The terms whose true counts an archive states."""

_ONSETS = (*"bcdfghjklmnprstvwz", "bl", "br", "cl", "dr", "fl", "gr", "pl", "pr", "sl", "st", "tr")
_VOWELS = {
    "en": ("a", "e", "i", "o", "u", "ai", "ea", "io", "ou"),
    "de": ("a", "e", "i", "o", "u", "ä", "ö", "ü", "ei", "au"),
    "fr": ("a", "e", "i", "o", "u", "é", "è", "ê", "ou", "ai"),
}
_CODAS = {
    "en": ("", "", "l", "m", "n", "r", "s", "t", "nd", "st"),
    "de": ("", "n", "r", "ch", "st", "ß"),
    "fr": ("", "", "n", "s", "t", "x"),
}
_SYLLABLES = {
    "ko": (
        "가각간감강개거건검결경계고공과관교구국군권규그금급기길김나남내년노농능다단달담당대도동두등라락래량력"
        "련령례로록료류륙률리마만망매명모목무문물미민반발방배법변별보복본부분불비사산상생서석선설성세소속손송"
        "수순술습승시식신실심아안암양어업여역연열영예오온옥완외요용우운원월위유육은음의이익인일임입자작장재저"
        "적전절점정제조족종주준중지직진질집차참창채처천철첨청체초총최추출충치친통투특파판편평포표품하학한"
    ),
    "ja": (
        "一人大中小日本国年月会社事業務計画報告書類資料連絡先確認予定変更検討結果内容部長担当者製品開発設計試"
        "験品質管理販売契約注文納期在庫工場出荷請求支払経理人材採用研修情報技術環境安全対応問題解決方法手順説"
        "明質問回答提案承認申請登録更新保守運用障害復旧通信回線機器端末"
    ),
    "zh": (
        "一人大中小上下年月日公司事业务计划报告书资料联系确认预定变更检讨结果内容部长负责者产品开发设计试验品"
        "质管理销售合约订单交期库存工厂出货请求支付经理人才采用研修信息技术环境安全对应问题解决方法步骤说明质"
        "量回答提案承认申请登录更新维护运行故障恢复通讯线路机器终端市场客户"
    ),
    "th": (
        "กา",
        "ขอ",
        "งาน",
        "จะ",
        "ชม",
        "ดี",
        "ได้",
        "ตาม",
        "ที่",
        "ทำ",
        "ให้",
        "นำ",
        "ของ",
        "บริษัท",
        "เป็น",
        "ผล",
        "พบ",
        "มา",
        "ยัง",
        "ราย",
        "วัน",
        "ส่ง",
        "หน้า",
        "อยู่",
        "เอก",
        "สาร",
        "ลูก",
        "ค้า",
        "สิน",
        "โครง",
        "การ",
        "ข้อ",
        "มูล",
        "ระบบ",
    ),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words in the order of their frequency, the running sum of their weights, and phrases that recur."""

    words: Sequence[str]
    cumulative: Sequence[float]
    phrases: Sequence[str]
    phrase_weights: Sequence[float]

    def pick(self, rng: random.Random, count: int) -> list[str]:
        return rng.choices(self.words, cum_weights=self.cumulative, k=count)

    def phrase(self, rng: random.Random) -> str:
        return rng.choices(self.phrases, cum_weights=self.phrase_weights)[0]


@cache
def vocabulary(code: str, seed: int) -> Vocabulary:
    """The vocabulary of a language: the n-th word is about 1/n as frequent as the first (Zipf)."""
    rng = random.Random(f"{seed}/words/{code}")
    count = WORDS if code == "en" else WORDS // 3
    made: dict[str, None] = {}
    while len(made) < count:
        made[_word(code, rng)] = None
    # Frequent words are short, as in any language, but not strictly so.
    words = sorted(made, key=lambda word: len(word) + rng.random() * 4)
    cumulative = _zipf(count)
    picked = rng.choices(words, cum_weights=cumulative, k=8_000)
    space = "" if code in {"ja", "zh", "th"} else " "
    phrases = [space.join(picked[at : at + rng.randint(2, 4)]) for at in range(0, 7_996, 4)]
    return Vocabulary(words, cumulative, phrases, _zipf(len(phrases)))


def _zipf(count: int) -> list[float]:
    return list(accumulate(1 / (rank + 2.7) for rank in range(count)))


def _word(code: str, rng: random.Random) -> str:
    if code in _VOWELS:
        count = rng.choices((1, 2, 3, 4), (8, 45, 35, 12))[0]
        return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS[code]) + rng.choice(_CODAS[code]) for _ in range(count))
    return "".join(rng.choices(_SYLLABLES[code], k=rng.choices((2, 3, 4), (60, 30, 10))[0]))
