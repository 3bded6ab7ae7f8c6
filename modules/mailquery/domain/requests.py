"""Whether a text asks its reader for something, and in which sentence.

A sentence asks if it ends with a question mark, in any script, or holds a phrase such as "let me know", "부탁드립니다".
In doubt it does not: a list of what waits for an answer is read only if most of it does. Courtesies ("how are you?"),
questions to nobody ("any questions?") and what only looks like a request ("please find attached") ask nothing.
"""

import re

_LONGEST_READ = 20_000  # characters of one text: who asks behind those is not heard
_LONGEST_SENTENCE = 1_000
_URL = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")
# A sentence ends at its mark before a blank, at an empty line, or at a line that ends like a short one.
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])[」』”]*|\n\s*\n|\n(?=\s*[-*•·]\s)")
_BLANKS = re.compile(r"\s+")
_MARK = re.compile(r"[?？؟՞](?!>)")  # <ana@b.example?> is a mangled address

_COURTESY = re.compile(
    r"how(?: are| is|'s|’s| have| was)(?: you| it| things| everything| life| your)\b.{0,40}"
    r"|(?:any|more) questions|questions|what'?s up|right|ok(?:ay)?|hope (?:you|all|this).{0,60}"
    r"|(?:do you )?(?:have|got) (?:any )?questions.{0,60}|wie geht(?:'?s| es).{0,30}"
    r"|comment (?:ça va|allez-vous).{0,20}|(?:ça|comment) va|¿?(?:qué tal|cómo estás?|como estas?).{0,30}"
    r"|come (?:stai|va).{0,20}|tudo bem"
    r"|.{0,10}(?:잘 지내|안녕하)\S{0,8}|お元気ですか|お元気でしょうか|你好吗|您好吗|최근.{0,6}어떠\S{0,6}",
    re.IGNORECASE,
)
_NO_REQUEST = re.compile(
    r"\bplease (?:find|see (?:attached|below)|note|do not (?:hesitate|reply)|don'?t (?:hesitate|reply)|ignore|disregard"
    r"|feel free|accept (?:my|our)|be (?:aware|advised))|\bfeel free\b|\blet me know if you (?:have|need|want)\b"
    r"|\bbitte (?:beachten|entnehmen|zögern|antworten sie nicht)|\bif you (?:could|can|would)\b.{0,60}\bignore\b"
    r"|참고\s?(?:부탁|바랍|하시기|해\s?주)|ご(?:了承|確認済|参考)|请(?:勿|忽略|查收附件)",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    # English
    r"\b(?:could|can|would|will) you (?:please )?(?!believe|imagine)\w+"
    r"|\b(?:please|pls|plz|kindly) (?!find\b|see\b|note\b|do not\b|don)\w+"
    r"|\blet (?:me|us) know\b|\bget back to (?:me|us)\b|\b(?:i|we)(?:'d| would) (?:appreciate|be grateful)\b"
    r"|\b(?:waiting|looking forward) (?:for|to) (?:your|hearing)\b|\b(?:need|want) you to\b"
    r"|\byour (?:thoughts|opinion) on\b"
    r"|\b(?:do|did|have|are) you (?:\w+ ){1,12}yet\b"
    # German, French, Spanish, Italian, Portuguese, Dutch
    r"|\b(?:könn(?:t|test|ten|en) (?:du|ihr|sie)|kannst du|würde?(?:st|n) (?:du|ihr|sie)|bitte um)\b"
    r"|\bbitte (?:gib|geb|schick|send|sag|teil|melde|bestätig|prüf|antwort|lass|schau)\w*"
    r"|\bgeben sie (?:mir|uns) .{0,40}bescheid"
    r"|\b(?:gib|gebt) (?:mir|uns) .{0,20}bescheid|\bich bitte (?:dich|sie|euch)\b"
    r"|\b(?:pourri(?:ez|ons)[- ]vous|pouvez[- ]vous|peux[- ]tu|pourrais[- ]tu|merci de (?:me|nous|bien|confirmer)|"
    r"veuillez (?:me|nous|confirmer|répondre)|dites[- ](?:moi|nous)|tenez[- ](?:moi|nous) au courant)"
    r"|\b(?:podr[ií]as?|podr[ií]an|puedes|puede usted|me puedes|av[ií]same|h[aá]zme saber)\b"
    r"|\bpor favor,? (?!encuentre)\w+"
    r"|\b(?:potresti|potrebbe|puoi|può (?:dirmi|mandarmi|inviarmi)|fammi sapere|mi faccia sapere)\b"
    r"|\b(?:poderia|você pode|pode (?:me|nos)|me avise|me diga|agradeceria)\b"
    r"|\b(?:kun je|kunt u|zou je|laat (?:me|het me|ons) weten)\b"
    # Korean, Japanese, Chinese
    r"|부탁\s?(?:드립|드려|드리|합니|해요|해|할게)|(?:해|알려|보내|확인해|회신해|답변해|말씀해|검토해|전달해)\s?(?:주세요|주십시오|주시|줘)"
    r"|(?:회신|답변|답장|확인|검토|연락)\s?(?:을|를|좀)?\s?(?:바랍니다|바라|기다리|주세요|주십시오|주시)|(?:할|될|있을|없을|괜찮을|어떨|가능할)까요"
    r"|(?:습니까|ㅂ니까|입니까|합니까|됩니까|나요|은가요|인가요|는지요)(?=[\s.…]|$)"
    r"|(?:でしょうか|ますか|ませんか|ですか|てください|て下さい|いただけ(?:ます|ない|れば)|お(?:知らせ|返事|返信|聞かせ)|ご(?:返信|返答|連絡|確認|教示|検討)(?:を|の|く|いた|お願い|下))"
    r"|(?:吗|麻烦(?:你|您)|能否|可否|是否可以|请(?:您|你)?(?:回复|确认|告知|提供|发|把|帮|告诉)|請(?:您|你)?(?:回覆|確認|告知|提供)|嗎)",
    re.IGNORECASE,
)


def asking_sentence(text: str) -> str | None:
    """The first sentence of `text` that asks something, on one line, or None. `text` is without quotations."""
    for sentence in _SENTENCE.split(text[:_LONGEST_READ]):
        if not sentence or len(sentence) > _LONGEST_SENTENCE:
            continue
        line = _BLANKS.sub(" ", sentence).strip()
        if _asks(_URL.sub(" ", line)):
            return line
    return None


def _asks(line: str) -> bool:
    bare = line.strip(" \"'“”‘’()¿?？!.,…")
    if len(bare) < 2 or _COURTESY.fullmatch(bare):
        return False
    if _MARK.search(line):
        return True
    return _REQUEST.search(line) is not None and _NO_REQUEST.search(line) is None
