"""The lines with which mail programs announce a quotation, in the languages of our users."""

import re

_MAX_CHARACTERS = 500
MAX_LINES = 4

# Somebody wrote something. It is looked for right before a quotation, so it may be said briefly.
_VERBS = (
    r"\b(?:wrote|writes|written|said|says|scribbled|typed|spake|quoth)\b"  # English
    r"|\bschrieb(?:en)?\b|\bgeschrieben\b"  # German
    r"|\ba écrit\b|\bécrivait\b|\ba ecrit\b"  # French
    r"|\bescribió\b|\bha scritto\b|\bescreveu\b|\bschreef\b|\bskrev\b|\bnapisał(?:\(a\))?\b|\bнаписал|\bпишет\b"
    r"|작성|님이 쓰신|님의 글|님의 말|썼습니다|보낸 글|님의 메시지|님이 보낸"  # Korean
    r"|書きました|のメール|からのメール|書かれました|のメッセージ"  # Japanese
    r"|写道|寫道|写到|写了"  # Chinese
)
# One of these stands in every complete attribution. Plain look-ups: this is asked of every line that ends in a colon.
_HINTS = ("wrote", "schrieb", "écrit", "escribi", "scritto", "escreveu", "schreef", "작성", "쓰신", "썼",
          "写", "寫", "書", "のメール", "@")  # fmt: skip
_DIGIT = re.compile(r"\d")
_ANNOUNCES = re.compile(
    rf"(?:{_VERBS})(?:[^\n]{{0,120}})[:：]\s*$|(?:書きました|書かれました)[。.]?\s*$", re.IGNORECASE
)
_QUOTING = re.compile(r"^(?:Quoting|Zitat von|Citation de|Citando)\b.{1,200}:\s*$")
# Gmail in Japanese ends with the address: 2024年1月2日(火) 12:00 山田 <yamada@example.jp>:
_DATED_ADDRESS = re.compile(r"^\d{4}\s?[年/.-].{5,200}<[^<>\s]{1,200}@[^<>\s]{1,200}>\s?[:：]\s*$")

# The same with a date or an address and from its first word on: sure enough where no sign marks what follows.
_COMPLETE = re.compile(
    r"^(?:On\b.{0,300}\d.{0,300}\bwrote"
    r"|Am\b.{0,300}\d.{0,300}\bschrieb\b.{0,200}"
    r"|Le\b.{0,300}\d.{0,300}\ba écrit\s?"
    r"|El\b.{0,300}\d.{0,300}\bescribió"
    r"|Il\b.{0,300}\d.{0,300}\bha scritto"
    r"|(?:Em|A)\b.{0,300}\d.{0,300}\bescreveu"
    r"|Op\b.{0,300}\d.{0,300}\bschreef\b.{0,200}"
    r"|.{0,200}\d{4}\s?년.{0,200}(?:작성|님이 쓰신 글|썼습니다)"
    r"|\d{4}[./-]\s?\d{1,2}.{0,200}(?:작성|님이 쓰신 글)"
    r"|.{0,200}\d{4}\s?年.{0,200}(?:写道|寫道|写到|書きました|のメール)"
    r"|在?\s?\d{4}[/.-]\d{1,2}.{0,200}(?:写道|寫道|書きました|のメール)"
    r")\s*[:：]?\s*$",
    re.IGNORECASE,
)


def announces(lines: list[str]) -> bool:
    """Whether these lines, which stand right before a quotation, say who wrote it."""
    text = " ".join(lines)
    if len(text) > _MAX_CHARACTERS:
        return False
    return any(pattern.search(text) for pattern in (_ANNOUNCES, _QUOTING, _DATED_ADDRESS))


def is_complete(lines: list[str]) -> bool:
    """Whether these lines announce a quotation beyond doubt, so that what follows them is one even without `>`."""
    text = " ".join(lines)
    if len(text) > _MAX_CHARACTERS:
        return False
    if "@" not in text and _DIGIT.search(text) is None:
        return False
    folded = text.lower()
    if not any(hint in folded for hint in _HINTS):
        return False
    return _COMPLETE.search(text) is not None or _DATED_ADDRESS.search(text) is not None


# The header that Outlook and its kind put over an earlier message.
_FROM = (
    r"From|Von|De|Da|Van|Fra|Från|Od|От|보낸\s?사람|보낸\s?이|발신자?|差出人|送信者|送信元"
    r"|发件人|發件人|寄件者|寄件人"
)
_SENT = (
    r"Sent|Date|Gesendet|Datum|Envoyé(?: le)?|Enviado(?: el)?|Fecha|Inviato|Data|Verzonden|Sendt|Skickat"
    r"|Дата|Отправлено"
    r"|보낸\s?날짜|날짜|보낸\s?시간|발신일|送信日時|日付|日時|发送时间|發送時間|发送日期|寄件日期|日期|时间|傳送時間"
)
_TO = (
    r"To|An|À|A|Para|Aan|Til|Till|Кому|Cc|CC|Kopie|받는\s?사람|받는\s?이|수신자?|참조"
    r"|宛先|受信者|收件人|收件者|抄送|副本"
)
_SUBJECT = r"Subject|Betreff|Objet|Asunto|Oggetto|Assunto|Onderwerp|Emne|Ämne|Тема|제목|件名|主题|主旨|主題|標題"


def _label(names: str) -> re.Pattern[str]:
    return re.compile(rf"\s{{0,3}}[*_]{{0,2}}(?:{names})[*_]{{0,2}}\s?[:：][*_]{{0,2}}(?:\s|\S)")


_FROM_LINE, _SENT_LINE, _TO_LINE, _SUBJECT_LINE = _label(_FROM), _label(_SENT), _label(_TO), _label(_SUBJECT)
_BLOCK_LINES = 10


def starts_header_block(lines: list[str], index: int) -> bool:
    """Whether line `index` begins a block of From, Sent or Date, and To or Subject."""
    if _FROM_LINE.match(lines[index]) is None:
        return False
    sent = others = False
    for line in lines[index + 1 : index + _BLOCK_LINES]:
        if not line.strip():
            break
        sent = sent or _SENT_LINE.match(line) is not None
        others = others or _TO_LINE.match(line) is not None or _SUBJECT_LINE.match(line) is not None
    return sent and others


_RULED = r"[ \t]{0,3}[-_*=]{2,30}[ \t]{0,3}"
ORIGINAL = re.compile(
    _RULED + r"(?:Original[ -]?Message|Original Appointment|Ursprüngliche (?:Nachricht|E-Mail)|Original[- ]?Nachricht"
    r"|Message d['’]origine|Message original|Courriel original|Mensaje original|Messaggio originale"
    r"|Mensagem original|Oorspronkelijk bericht|원본\s?(?:메시지|메일|편지)|원문"
    r"|元のメッセージ|元のメール|オリジナルメッセージ|原始邮件|原始郵件|邮件原件|原邮件|回复的原邮件"
    r"|Исходное сообщение|Reply message)" + _RULED + "$",
    re.IGNORECASE,
)
FORWARDED = re.compile(
    _RULED + r"(?:Forwarded (?:message|by|mail)|Begin forwarded message|Weitergeleitete (?:Nachricht|E-Mail)"
    r"|Message (?:transféré|réexpédié)|Mensaje reenviado|Messaggio inoltrato|Mensagem encaminhada"
    r"|Doorgestuurd bericht|전달된 (?:메시지|메일)|전달 메시지|転送(?:された)?メッセージ|転送メール"
    r"|转发的?邮件|轉寄的?郵件|转发信息)"
    r"|(?:Begin forwarded message|Anfang der weitergeleiteten (?:Nachricht|E-Mail)|전달된 메시지"
    r"|Début du message (?:réexpédié|transféré)|(?:以下、)?転送されたメッセージ"
    r"|开始转发的邮件|以下是转发的邮件)\s?[:：]\s*$",
    re.IGNORECASE,
)
# What a line must begin with to be any heading of an earlier message: asked of every line, so it is quick.
HEADING = re.compile(
    rf"[ \t]{{0,3}}(?:[-_*=]{{2}}.{{0,40}}[^\W\d_]|[*_]{{0,2}}(?:{_FROM})[*_]{{0,2}}\s?[:：]"
    r"|Begin forwarded|Anfang der|Début du|전달된|以下|転送|开始转发)",
    re.IGNORECASE,
)


def may_be_heading(line: str) -> bool:
    """Whether to look closer: all headings have a colon or begin with a ruled line."""
    return (":" in line or "：" in line or line.lstrip()[:1] in _RULES) and HEADING.match(line) is not None


_RULES = frozenset("-_*=")
_FORWARD_SUBJECT = re.compile(
    r"\s*(?:\[[^\]]{1,60}\]\s*)?(?:fwd?|wg|tr|rv|i|enc|전달|転送|转发|轉寄|轉發)\s?[:：]", re.IGNORECASE
)


def is_forward_subject(subject: str) -> bool:
    return _FORWARD_SUBJECT.match(subject) is not None
