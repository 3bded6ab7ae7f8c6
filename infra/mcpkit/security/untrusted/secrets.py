"""One-time codes, and links that open an account to whoever follows them, masked.

A code is masked where words say that it is one: a number or a short group of capitals and digits near "verification
code" or its like, within a line or on a line of its own below. Numbers of orders, invoices and bookings, prices, dates,
times and telephone numbers stay. A link is masked where its words, the text before it or its own path say that it
resets a password, signs in or confirms an address, and it carries a token; its host stays.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

CODE_MASK = "[code hidden]"
_LONGEST = 400_000

_SAYS_CODE = re.compile(
    r"(?:verification|one[- ]?time|security|login|log[- ]?in|sign[- ]?in|access|authenti[fc]i?[ck]?ation|authorization|"
    r"activation|two[- ]?factor|2fa|mfa|otp|account|identity|device|passcode|temporary)[\s-]{1,3}(?:verification[\s-])?"
    r"(?:pass[\s-]?)?(?:codes?|passwords?|pins?|passcodes?|otp)\b"
    r"|\b(?:your|this|following|enter|use|the)\s(?:[\w'.-]{2,24}\s){0,2}(?:code|otp|passcode|pin)\b(?!\s(?:review|base|of|for (?:the|this) (?:building|door|project)))"
    r"|\b(?:otp|passcode|2fa code|mfa code|confirmation code|verify code)\b"
    r"|(?:bestätigungs|sicherheits|verifizierungs|anmelde|einmal|zugangs|freischalt|authentifizierungs|login)-?(?:code|passwort|kennwort|pin)|\bm?tan\b"
    r"|code\s(?:de\s(?:vérification|sécurité|confirmation|connexion|validation)|à\susage\sunique|d['’]accès|d['’]authentification)|mot\sde\spasse\sà\susage\sunique"
    r"|(?:código|clave|contraseña|pin)\s(?:de\s(?:verificación|seguridad|acceso|confirmación|un\ssolo\suso|verificação|segurança|confirmação|acesso)|temporal|único)"
    r"|codice\s(?:di\s(?:verifica|sicurezza|accesso|conferma)|otp|monouso)|verificatiecode|eenmalige\scode|beveiligingscode|kod\sweryfikacyjny"
    r"|код\s(?:подтверждения|доступа|безопасности|для\sвхода)|одноразовый\s(?:код|пароль)"
    r"|(?:인증|확인|보안|일회용|로그인|접속)\s?(?:번호|코드|비밀번호|암호)|본인\s?확인\s?번호"
    r"|(?:認証|確認|検証|ログイン|セキュリティ|ワンタイム)\s?(?:コード|番号|パスワード|キー)|暗証番号"
    r"|(?:验证|驗證|校验|確認|确认|认证|認證|动态|動態|安全|登录|登錄|登入|一次性)\s?(?:码|碼|密码|密碼|口令)",
)
# One of these stands in every such phrase; a plain search for them is far quicker than the pattern.
_CODE_ANCHORS = ("code", "passw", "otp", "passcode", " pin", "tan ", "tan:", "kennwort", "código", "clave", "contraseña", "codice",
                 "kod ", "код", "парол", "번호", "코드", "비밀번호", "암호", "コード", "番号", "パスワード", "キー", "码", "碼", "口令")  # fmt: skip
_PHRASE = 48  # characters around an anchor in which the phrase lies
_CODE = re.compile(
    r"(?<![\w.,:/#$€£¥₩+@&=%-])(?:"
    r"[A-Z]-\d{4,8}"
    r"|\d{3}[ -]\d{3,4}(?![ -]\d)"
    r"|\d{4}[ -]\d{4}(?![ -]\d)"
    r"|(?:\d ){3,7}\d"
    r"|\d{4,8}"
    r"|(?=[A-Z0-9-]{5,11}(?![A-Za-z0-9-]))(?=[A-Z-]*\d)(?=[\d-]*[A-Z])[A-Z0-9]{3,10}(?:-[A-Z0-9]{3,6})?"
    r")(?![\w%€£¥₩@-]|[.,:/]\d)"
)
# CJK text stands next to a code without a blank; digits there are not within a word.
_CODE_IN_CJK = re.compile(
    r"(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3：:])\d{4,8}(?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3，。、]|\s|$)"
)
_OTHER_NUMBER = re.compile(
    r"(?:\b(?:order|invoice|booking|reservation|ticket|case|reference|ref|customer|account|tracking|flight|room|article|item|"
    r"policy|member|parcel|serial|model|tel|phone|fax|call|call us at|po box|zip|postal|version|build|port|bestell\w*|rechnungs?\w*|auftrags?\w*|"
    r"kunden\w*|ticket\w*|pedido|factura|commande|facture|numéro|reserva|dossier)\b[\s.:]{0,3}(?:no|nr|number|num|nummer|id|n[°ºo])?[\s.:#°º]{0,3}"
    r"|\b(?:no|nr|n[°º])[.:\s]{1,3}|#\s?|\+\d{1,3}[\d\s().-]{0,12}|[$€£¥₩]\s?|\b(?:usd|eur|gbp|krw|jpy|cny|rmb)\s?"
    r"|(?:주문|예약|송장|고객|문의|전화|주소|우편)\s?(?:번호)?\s?[:：]?\s?|(?:注文|予約|伝票|お客様|電話|郵便|受付|订单|訂單|预订|快递|电话|電話|客户|运单)\s?(?:番号|编号|編號|号|號)?\s?[:：]?\s?)$",
    re.IGNORECASE,
)
_OTHER_UNIT = re.compile(
    r"\s?(?:usd|eur|gbp|krw|jpy|dollars?|euros?|won|yen|원|円|元|块|年|년|%|km|kg|mb|gb|people|items?|points?|messages?|e-?mails?|"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_DIRECTLY = re.compile(
    r"(?:\b(?:is|are|ist|lautet|est|es|é|è|code|otp|pin)|[:：]|は|입니다|은|는|为|為|是)\s{0,4}[*「【\[(<\"'“]{0,3}\s{0,2}$",
    re.IGNORECASE,
)
_A_DIGIT = re.compile(r"\d")
_DIGIT = re.compile(r"\d[\d -]{2}|\d[A-Z]|[A-Z]-?\d", re.IGNORECASE)
_ENDS = re.compile(r"[.!?](?=\s)|[。！？]|\n\s*\n")  # of a sentence: what is said does not reach over it
_OTHER_CODE = re.compile(
    r"\b(?:zip|post|postal|dress|area|country|promo|promotion|priority|discount|coupon|voucher|source|qr|bar|error|status|sort|product|gift"
    r"|referral|morse|tax|dial|dialling|bank|swift)[\s-]code"
)
_MOST_PHRASES = 500
_BEFORE, _BEHIND, _LINES_BEHIND = 90, 140, 320  # characters before and behind the words in which a code is looked for

_URL = re.compile(r"(?i)\bhttps?://[^\s<>\"'`\\^{|}\u3000-\u303f\uff00-\uffef]{4,2000}")
_OPENS = re.compile(
    r"(?:reset|change|recover|restore|choose a new|create a new|set (?:up )?(?:a new|your))[^.!?\n]{0,30}(?:password|passcode|account access)|password[\s-]?reset|forgot(?:ten)?[^.!?\n]{0,12}password"
    r"|(?:verify|confirm|validate|activate)\b[^.!?\n]{0,24}\b(?:e-?mail|account|address|identity|registration|sign[- ]?up|subscription|device|login)|(?:e-?mail|account)[\s-](?:verification|activation|confirmation)"
    r"|magic[\s-]?link|(?:sign|log)[\s-]?in[\s-]?(?:link|with this|securely|now|to your)|(?:link|button|click)[^.!?\n]{0,30}\b(?:to )?(?:sign|log)[\s-]?in|one[- ]?click (?:sign|log)[- ]?in|one[- ]?time (?:login )?link"
    r"|passwort[^.!?\n]{0,20}(?:zurücksetz|ändern|vergessen|neu)|(?:e-?mail|konto|adresse)[^.!?\n]{0,20}bestätig|bestätig\w*[^.!?\n]{0,20}(?:e-?mail|konto|adresse|registrierung)|anmeldelink"
    r"|réinitialis\w*[^.!?\n]{0,20}mot de passe|mot de passe oublié|(?:confirm|vérifi|activ)\w*[^.!?\n]{0,20}(?:adresse|compte|inscription|e-?mail)|lien (?:de connexion|magique)"
    r"|(?:restablec|cambi|recuper)\w*[^.!?\n]{0,20}contraseña|(?:verific|confirm|activ)\w*[^.!?\n]{0,20}(?:correo|cuenta|dirección|e-?mail)|enlace (?:mágico|de acceso)|redefinir[^.!?\n]{0,12}senha|reimpost\w*[^.!?\n]{0,12}password"
    r"|(?:비밀번호|암호)[^.!?\n]{0,12}(?:재설정|초기화|변경|찾기)|(?:이메일|메일|계정)[^.!?\n]{0,10}(?:인증|확인|활성화)|로그인\s?링크|매직\s?링크"
    r"|パスワード[^。\n]{0,12}(?:再設定|リセット|変更)|(?:メール|アカウント)[^。\n]{0,14}(?:認証|確認|有効化)|ログイン(?:用)?(?:リンク|url)|マジックリンク"
    r"|(?:重置|重設|重设|找回|修改)[^。\n]{0,6}(?:密码|密碼)|(?:密码|密碼)(?:重置|重設|重设)|(?:验证|驗證|确认|確認|激活|啟用)[^。\n]{0,10}(?:邮箱|郵箱|邮件|郵件|账户|账号|帳戶|帳號|電子郵件|电子邮件)|登录链接|登錄連結",
)
_OPENING_PATH = re.compile(
    r"(?i)(?:[/_.?&=-])(?:reset|password|passwd|pwd|forgot|recover|verif(?:y|ication)|confirm(?:ation|-?email)?|activat(?:e|ion)|magic(?:-?link)?|"
    r"one-?time|otp|signin|sign-in|login|log-in|passwordless|auth|sso|invite|oobcode)(?=[/_.?&=-]|$)"
)
_OPENING_QUERY = re.compile(
    r"(?i)[?&;](?:[a-z_-]{0,20}(?:token|otp|oobcode|reset|magic|ticket|secret|signature)|code|key|hash|t)=[^&#\s]{8,}"
)
_TOKEN = re.compile(
    r"(?=[A-Za-z0-9_~%.+-]*\d)(?=[A-Za-z0-9_~%.+-]*[A-Za-z])[A-Za-z0-9_~%.+-]{16,}|[A-Za-z0-9_-]{24,}|\d{12,}"
)
_LINK_BEFORE = 220


@dataclass(frozen=True, slots=True)
class Masked:
    """`values` are what was hidden, as it stood in the text: for finding it elsewhere, and never for an answer."""

    text: str
    values: tuple[str, ...] = ()


NOTHING: tuple[str, ...] = ()


def mask(text: str, *, context: str = "", also: tuple[str, ...] = NOTHING) -> Masked:
    """`text` without its codes and opening links. `context` is text that belongs before it (a subject above a body),
    `also` what must be hidden because it was found elsewhere."""
    spans = sorted({*_codes(text, context), *_links(text, context)})
    values: list[str] = []
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        if start < position:
            continue
        value = text[start:end]
        values.append(value)
        pieces += [text[position:start], link_mask(value) if "://" in value else CODE_MASK]
        position = end
    masked = "".join([*pieces, text[position:]]) if pieces else text
    return Masked(hide(masked, (*also, *values)) if also or values else masked, tuple(dict.fromkeys(values)))


def hide(text: str, values: tuple[str, ...]) -> str:
    """`text` without these values, wherever they stand as a word."""
    for value in sorted(set(values), key=len, reverse=True):
        if "://" in value:
            text = text.replace(value, link_mask(value)).replace(value.replace("&", "&amp;"), link_mask(value))
            continue
        if len(digits := re.sub(r"[\s-]", "", value)) >= 4:
            spaced = r"[\s-]?".join(map(re.escape, digits))
            text = re.sub(rf"(?<![A-Za-z0-9]){spaced}(?![A-Za-z0-9])", CODE_MASK, text)
    return text


def link_mask(url: str) -> str:
    """The host of a link, and that the rest is hidden."""
    try:
        host = urlsplit(url).hostname or "link"
    except ValueError:
        host = "link"
    return f"https://{host}/[link hidden]"


def opens_account(url: str, words: str = "", context: str = "") -> bool:
    """Whether a link that was put on `words`, behind the text `context`, opens an account to whoever follows it."""
    _, _, rest = url.partition("://")
    _, slash, path = rest.partition("/")
    if not slash:
        _, question, path = rest.partition("?")
        path = question + path
    if not path or len(path) < 6:
        return False
    tokens = bool(_TOKEN.search(path))
    if _OPENING_PATH.search("/" + path) and (tokens or _OPENING_QUERY.search("/" + path)):
        return True
    return tokens and bool(_OPENS.search(words[:300].lower()) or _OPENS.search(context[-_LINK_BEFORE:].lower()))


def may_be_code(text: str) -> bool:
    """Whether anything in a short text, or in several on lines of their own, has the form of a code or a link."""
    if "://" in text:
        return True
    # No code is without a digit.
    return _A_DIGIT.search(text) is not None and (
        _CODE.search(text) is not None or _CODE_IN_CJK.search(text) is not None
    )


def _links(text: str, context: str) -> list[tuple[int, int]]:
    if "://" not in text:
        return []
    found = []
    for match in _URL.finditer(text[:_LONGEST]):
        before = text[max(0, match.start() - _LINK_BEFORE) : match.start()]
        if match.start() < _LINK_BEFORE:
            before = f"{context[-100:]}\n{before}"
        # What is said before an earlier link is said of that one.
        nearest = before.rpartition("://")[2]
        if opens_account(match[0], context=nearest):
            end = match.end()
            while text[end - 1] in ".,;:!?)]":
                end -= 1
            found.append((match.start(), end))
    return found


def _codes(text: str, context: str) -> list[tuple[int, int]]:
    shift = len(context) + 1 if context else 0
    whole = f"{context}\n{text}" if context else text
    whole = whole[:_LONGEST]
    found: set[tuple[int, int]] = set()
    for said in _phrases(whole):
        near = _near(whole, said.start(), said.end())
        # "Confirmation code: QX7K2M" is a booking; in digits it can be either.
        if "confirm" not in said[0].lower() or all(whole[slice(*each)].isdigit() for each in near):
            found.update(near)
    return [(start - shift, end - shift) for start, end in found if start >= shift]


def _phrases(text: str) -> list[re.Match[str]]:
    """The phrases that say that something is a code, each once, where a digit is near enough to be one."""
    folded = text.lower()
    if len(folded) != len(text):  # some capitals have no single small letter
        folded = text
    found: dict[tuple[int, int], re.Match[str]] = {}
    for anchor in _CODE_ANCHORS:
        place = folded.find(anchor)
        while place >= 0 and len(found) < _MOST_PHRASES:
            if _DIGIT.search(folded, max(0, place - 2 * _BEFORE), place + _LINES_BEHIND):
                for said in _SAYS_CODE.finditer(folded, max(0, place - _PHRASE), place + _PHRASE):
                    if said.start() <= place < said.end() and not _OTHER_CODE.search(said[0]):
                        found[said.span()] = said
            place = folded.find(anchor, place + len(anchor))
    return list(found.values())


def _near(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The codes that belong to the words at [start, end): the first behind them, else the last before them."""
    behind = text[end : end + _BEHIND]
    for candidate in _candidates(text, end, end + len(behind)):
        if not _ENDS.search(text, end, candidate[0]) or _alone(text, *candidate):
            return [candidate]
        break
    for candidate in _candidates(text, end, min(len(text), end + _LINES_BEHIND)):
        if _alone(text, *candidate):
            return [candidate]
    line = max(text.rfind("\n", 0, start) + 1, start - _BEFORE)
    found = [each for each in _candidates(text, line, start) if not _ENDS.search(text, each[1], start)]
    if found:
        return [found[-1]]
    found = [each for each in _candidates(text, max(0, start - 2 * _BEFORE), start) if _alone(text, *each)]
    return found[-1:]


def _candidates(text: str, start: int, end: int) -> list[tuple[int, int]]:
    window = text[max(0, start - 1) : end + 12]
    offset = max(0, start - 1)
    spans = {match.span() for pattern in (_CODE, _CODE_IN_CJK) for match in pattern.finditer(window)}
    found: list[tuple[int, int]] = []
    for begin, finish in sorted(spans):
        first, last = begin + offset, finish + offset
        if first < start or last > end or (found and first < found[-1][1]):
            continue
        before, value = text[max(0, first - 40) : first], text[first:last]
        if _OTHER_NUMBER.search(before) or _OTHER_UNIT.match(text, last):
            continue
        if _YEAR.fullmatch(value) and not _DIRECTLY.search(before) and not _alone(text, first, last):
            continue
        if not value.isdigit() and value[0].isalpha() and not (_DIRECTLY.search(before) or _alone(text, first, last)):
            continue
        found.append((first, last))
    return found


def _alone(text: str, start: int, end: int) -> bool:
    """Whether it stands on a line with next to nothing else."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    around = text[line_start:start] + text[end:line_end]
    return len(around.strip(" \t*_>[]()-|\"'「」【】:：#")) <= 12
