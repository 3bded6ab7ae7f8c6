"""What in a text reads like orders to a machine, in the languages that most mail is written in.

A sign and no proof: whoever means to be overlooked writes otherwise. Texts about such attacks have these phrases too.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mcpkit.security.untrusted.hosts import latin_form, may_mix_latin

_LONGEST = 400_000  # characters that are looked at
_AROUND = 130
_MOST_PLACES = 2_000  # of one rule


class _Rule(NamedTuple):
    """What is looked for around each of `anchors`: a plain search for words is a hundred times as fast as a pattern.
    `foreign` is whether no text in ASCII can have it."""

    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    foreign: bool


def _rule(anchors: str, pattern: str) -> _Rule:
    """`anchors` have `|` between them."""
    words = tuple(anchors.split("|"))
    return _Rule(words, re.compile(pattern), not any(map(str.isascii, words)))


# Each names what it is a sign of; what is told is the name alone and never the sender's words.
_ORDERS = (
    # English
    _rule('instruction|prompt|rules|direction|guideline|guardrail|command|directive|context|restriction',
          r"\b(?:ignore|disregard|forget|override|bypass|do not follow|stop following)\b[^.!?\n]{0,40}\b(?:previous|prior|above|"
          r"earlier|preceding|foregoing|your|system|safety|original)\b[^.!?\n]{0,30}\b(?:instructions?|prompts?|rules|directions|"
          r"guidelines|guardrails|commands|directives|context|restrictions)\b|\b(?:ignore|disregard|forget|override|bypass) (?:all|any|every)(?: of)?(?: the| these| those| other)? (?:instructions?|prompts?|guidelines|guardrails|directives)\b"),
    _rule('system prompt|system message|system instruction|hidden instruction', r"\b(?:your|new|updated|revised) (?:system prompt|system message|system instructions?|hidden instructions)\b"),
    _rule('you are ', r"\byou are (?:now|no longer|actually) (?:an? |in |the |my )?(?:ai|assistant|dan|developer mode|unrestricted|language model|admin|root|helpful|bound|restricted)"),
    _rule('instruction', r"\b(?:new|updated|important|real|actual|urgent|secret|hidden|additional|special) instructions?\b[^.!?\n]{0,20}\b(?:for|to) (?:the |any |all |an )?(?:ai|assistants?|llms?|agents?|models?|chatbots?|copilot|claude|gpt|gemini)\b"),
    _rule(' ai |ai,|ai:|ai.|ai assistant|ai agent|llm|language model|chatgpt|gpt-|claude|copilot|gemini',
          r"\b(?:attention|dear|hey|hello|hi|note to|message to|message for|instructions? (?:to|for)|as an?|to the|to any|to all)[ ,:]+(?:the |any |all |an? )?"
          r"(?:ai\b(?! (?:team|lab|group|act|course|news|summit|and|for|in))|llms?\b|ai assistants?|ai agents?|language models?|chatgpt|gpt-?\d|claude\b(?=[^a-z]{0,3}(?:ai|,|:|please|you))|copilot\b(?=[,:])|gemini\b(?=[,:]))"),
    _rule(' ai |llm |language model |mail assistant |ai assistant ', r"\b(?:the|an?|any) (?:ai|llm|language model|ai assistant|mail assistant|email assistant)\b[^.!?\n]{0,30}\b(?:must|should now|has to|is required to|shall)\b"),
    _rule('assistant', r"\bassistant(?:,|:| must| shall| is (?:now )?(?:required|instructed))[^.!?\n]{0,60}\b(?:must|forward|send|reply|reveal|ignore|delete|call|execute|run|output|do not|search|include|print|fetch)\b"),
    _rule('the user', r"\b(?:do not|don't|never|without) (?:tell|telling|inform|informing|mention(?:ing)?|alert(?:ing)?|notify|notifying|reveal|warn(?:ing)?|ask(?:ing)?)\b[^.!?\n]{0,30}\bthe user\b"),
    _rule('prompt|instructions|your context|your memory', r"\b(?:reveal|print|output|repeat|leak|show|disclose|exfiltrate)\b[^.!?\n]{0,30}\b(?:your (?:system |initial |hidden )?(?:prompt|instructions|context|memory)|system prompt)\b"),
    _rule(' mode|jailbreak', r"\b(?:enable|enter|activate|switch to|in) (?:developer|dan|god|debug|jailbreak|unrestricted) mode\b|\bjailbreak(?:ed|ing)?\b[^.!?\n]{0,30}\b(?:mode|prompt|model|assistant)\b"),
    _rule(' tool| function', r"\b(?:call|invoke|use|run|execute) the (?:[`'\"]\w{2,40}[`'\"]|\w{2,20}_\w{2,30}) (?:tool|function)\b"),
    _rule('and send|then send|and forward|then forward|and post|then post|and upload|then upload|and append|then append|'
          'and include|then include|and encode|then encode|and put|then put|and paste|then paste', r"\b(?:search|read|collect|gather|find|list|summari[sz]e|get) (?:through )?(?:all|every|the user'?s?|their|his|her|my|any)\b[^.!?\n]{0,60}\b(?:e-?mails?|inbox|messages|passwords?|codes|attachments|credentials)\b[^.!?\n]{0,60}\b(?:and|then) (?:send|forward|post|upload|append|include|encode|put|paste)\b"),
    _rule('forward|exfiltrate|upload|send |post ', r"\b(?:forward|send|upload|post|exfiltrate)\b[^.!?\n]{0,30}\b(?:all|every|the user'?s|the last|the latest|any)\b[^.!?\n]{0,40}\b(?:e-?mails?|inbox|messages|passwords?|one-time codes?|credentials|api keys?|secrets)\b[^.!?\n]{0,30}\bto\b"),
    _rule('end of|start of|begin of', r"\b(?:end|start|begin) of (?:the )?(?:untrusted|system|user|e-?mail|mail|data|document) (?:text|data|content|prompt|message|instructions|section|block)\b"),
    _rule('trusted', r"\bthe (?:text|content|message) (?:above|below|that follows) is (?:now )?trusted\b|\bthis (?:message|text|e-?mail|content) is trusted\b"),
    # German
    _rule('anweisung|instruktion|befehl|regeln|vorgaben|prompt', r"\b(?:ignorier\w*|missacht\w*|vergiss|vergessen sie|überg(?:eh|ing)\w*)\b[^.!?\n]{0,40}\b(?:vorherig\w*|bisherig\w*|obig\w*|all\w*|früher\w*|deine|ihre)\b[^.!?\n]{0,30}\b(?:anweisung\w*|instruktion\w*|befehl\w*|regeln|vorgaben|prompts?)\b"),
    _rule('du bist|sie sind', r"\b(?:du bist|sie sind) (?:jetzt|nun|ab sofort) (?:ein\w? )?(?:ki|assistent|uneingeschränkt\w*|administrator|im entwicklermodus)"),
    _rule('nutzer|dem anwender', r"\b(?:sag|sagen sie|teile|verrate|erzähl\w*)\b[^.!?\n]{0,30}\b(?:dem (?:be)?nutzer|dem anwender)\b[^.!?\n]{0,20}\b(?:nicht|nichts)\b"),
    _rule('systemprompt|system-prompt|ki-assistent|sprachmodell', r"\b(?:systemprompt|system-prompt|ki-assistent|sprachmodell)\b[^.!?\n]{0,50}\b(?:muss|soll|ignorier\w*|sende\w*|leite\w*|weiter)\b"),
    # French
    _rule('instruction|consigne|règles|directives|commandes', r"\b(?:ignor(?:e|ez|er)|oubli(?:e|ez|er)|ne (?:tiens|tenez) pas compte)\b[^.!?\n]{0,40}\b(?:instructions?|consignes?|règles|directives|commandes)\b[^.!?\n]{0,30}\b(?:précédent\w*|antérieur\w*|ci-dessus|système)|\b(?:ignor(?:e|ez)|oubli(?:e|ez)) toutes (?:les|tes|vos) (?:instructions|consignes|règles)"),
    _rule('tu es|vous êtes', r"\b(?:tu es|vous êtes) (?:maintenant|désormais) (?:une? )?(?:ia|assistant|administrateur|modèle)"),
    _rule('utilisateur', r"\bne (?:dis|dites|révèle|révélez|mentionne|mentionnez) (?:rien|pas)\b[^.!?\n]{0,30}\bl['’]utilisateur\b"),
    # Spanish, Portuguese, Italian
    _rule('instrucciones|instruções|reglas|regras|órdenes|indicaciones|directrices', r"\b(?:ignor(?:a|e|ar|en)|olvid(?:a|e|ar|en)|haz caso omiso de)\b[^.!?\n]{0,40}\b(?:instrucciones|instruções|reglas|regras|órdenes|indicaciones|directrices)\b"),
    _rule('ahora eres|agora você|usted es ahora|ora sei', r"\b(?:ahora eres|agora você é|usted es ahora|ora sei) (?:una? |um |uma |un )?(?:ia|asistente|assistente|administrador|modelo)"),
    _rule('al usuario|a la usuaria', r"\bno (?:le )?(?:digas|diga|informes|informe|menciones|reveles)\b[^.!?\n]{0,30}\b(?:al usuario|a la usuaria)\b"),
    _rule('ignora', r"\bignora\b[^.!?\n]{0,30}\b(?:istruzioni|le regole)\b[^.!?\n]{0,20}\bprecedenti\b"),
    # Russian
    _rule('инструкци|указани|правил|команд', r"(?:игнорируй\w*|проигнорируй\w*|забудь\w*|не обращай\w* внимания на)[^.!?\n]{0,40}(?:инструкци\w*|указани\w*|правил\w*|команд\w*)"),
    # Korean
    _rule('지시|명령|지침|프롬프트|규칙|안내|설정', r"(?:이전|앞선|위의?|기존|모든|지금까지의?)[^.!?\n]{0,20}(?:지시|명령|지침|프롬프트|규칙|안내|설정)[^.!?\n]{0,15}(?:무시|잊|따르지\s*마|취소|삭제)"),
    _rule('시스템|숨겨진|너는|당신은', r"(?:시스템\s*프롬프트|숨겨진\s*지시)|(?:너는|당신은)\s*(?:이제|지금부터)[^.!?\n]{0,30}(?:ai|어시스턴트|비서|관리자|모델|입니다|이다)"),
    _rule('사용자|유저|비서|어시스턴트|모델|에이전트', r"(?:사용자|유저)(?:에게|한테)[^.!?\n]{0,20}(?:알리지|말하지|언급하지|보고하지)\s*(?:마|말)|(?:ai|인공지능)\s*(?:비서|어시스턴트|모델|에이전트)(?:는|은|에게|야|,|:)[^.!?\n]{0,60}(?:하라|하세요|하십시오|해라|전달|전송|보내)"),
    _rule('메일|비밀번호|인증번호', r"(?:모든|전체)[^.!?\n]{0,20}(?:메일|이메일|비밀번호|인증번호)[^.!?\n]{0,30}(?:전달|전송|보내)(?:하라|하세요|하십시오|해라|라\b|줘)"),
    # Japanese
    _rule('指示|命令|指令|ルール|プロンプト|制約', r"(?:これまで|以前|上記|前|すべて|全て|今まで)(?:の|までの)?[^。！？\n]{0,15}(?:指示|命令|指令|ルール|プロンプト|制約)[^。！？\n]{0,10}(?:無視|忘れ|従わない|破棄|上書き)"),
    _rule('システムプロンプト|から', r"システムプロンプト|(?:あなた|君)は(?:今|これ)から[^。！？\n]{0,30}(?:ai|アシスタント|管理者|モデル|です)"),
    _rule('ユーザ|利用者|アシスタント|エージェント|モデル|人工知能', r"(?:ユーザー?|利用者)に(?:は)?[^。！？\n]{0,15}(?:知らせ|伝え|言わ|話さ|報告し|通知し)(?:ない|ず|るな)|(?:ai|人工知能)(?:アシスタント|エージェント|モデル)?(?:へ|は|に告ぐ)[:：、][^。！？\n]{0,60}(?:せよ|して(?:ください|下さい)|しろ|転送|送信)"),
    _rule('のメール|のパスワード|の認証コード', r"(?:すべて|全て)の(?:メール|パスワード|認証コード)を[^。！？\n]{0,40}(?:転送|送信|送って)"),
    # Chinese
    _rule('指令|指示|命令|提示|规则|規則|要求|设定|設定', r"(?:忽略|忽視|无视|無視|忘记|忘記|忘掉|不要(?:理会|遵守|遵循)|跳过|跳過)[^。！？\n]{0,15}(?:之前|以前|以上|上面|先前|前面|所有|一切|全部|你的|原有)?[^。！？\n]{0,10}(?:指令|指示|命令|提示词?|提示詞?|规则|規則|要求|设定|設定)"),
    _rule('系统|系統|你|您', r"(?:系统|系統)(?:提示词?|提示詞?|指令|消息[:：])|(?:你|您)(?:现在|現在|从现在起|從現在起)(?:是|开始是|開始是|扮演)[^。！？\n]{0,20}(?:ai|助手|助理|管理员|管理員|模型|机器人|機器人)"),
    _rule('用户|用戶|使用者|助手|助理|模型', r"(?:不要|别|勿|不得|請勿)(?:告诉|告訴|通知|提醒|告知)[^。！？\n]{0,6}(?:用户|用戶|使用者)|(?:ai|人工智能|智能|智慧)(?:助手|助理|模型)[，,:：][^。！？\n]{0,60}(?:请|請|必须|必須|应|應|转发|轉發|发送|發送)"),
    _rule('邮件|郵件|密码|密碼|验证码|驗證碼', r"(?:将|把|將)[^。！？\n]{0,6}(?:所有|全部)[^。！？\n]{0,8}(?:邮件|郵件|密码|密碼|验证码|驗證碼)[^。！？\n]{0,15}(?:转发|轉發|发送|發送|发给|發給)"),
)  # fmt: skip

_MACHINE = (
    _rule('im_start|im_end|endoftext|begin_of_text|eot_id|start_header_id|system|assistant|user|tool', r"<\s?[|｜]\s?(?:im_start|im_end|system|user|assistant|endoftext|begin_of_text|eot_id|start_header_id|end|tool)"),
    _rule('inst|sys', r"\[\s?/?\s?inst\s?\]|<<\s?sys\s?>>"),
    _rule('system|assistant|tool_|function_|invoke|antml|untrusted|instructions', r"<\s?/?\s?(?:system|assistant|tool_call|tool_result|tool_response|tool_use|function_calls?|function_results?|invoke|antml|system-reminder|untrusted|instructions)\b[^<>\n]{0,80}>"),
    _rule('end|untrusted', r"[<＜‹«《⟨⟪≪]{2}\s{0,3}/?\s{0,3}(?:end|untrusted)\b"),
    _rule('"name"|"tool|"function"|"action"', r"\{\s{0,4}\"(?:name|tool|function|tool_name|action)\"\s{0,4}:\s{0,4}\"\w[\w.-]{1,40}\"\s{0,4},\s{0,4}\"(?:arguments|parameters|args|input|action_input)\"\s{0,4}:"),
    _rule('tool_calls|function_call|jsonrpc', r"\"(?:tool_calls|function_call|jsonrpc)\"\s{0,4}:\s{0,4}[\[{\"]"),
    _rule('system:|system**|system :|assistant:|assistant**|human:|developer:', r"(?m:^[ \t>#*]{0,6}(?:system|assistant|human|developer)[ \t*]{0,3}:[ \t*]{0,4}\S)(?=[^\n]{0,200}\b(?:you|ignore|must|call|send|forward|user|reply|override|tool|execute)\b)"),
    _rule('action input', r"(?m:^[ \t]{0,4}action:[ \t]{0,3}\w+[ \t]*\n[ \t]{0,4}action input:)"),
    _rule('search_messages|read_message|read_thread|get_attachment|list_attachments|find_people|mail_statistics|send_email|send_message|delete_message|forward_email', r"\b(?:search_messages|read_message|read_thread|get_attachment|list_attachments|find_people|mail_statistics|send_email|send_message|delete_message|forward_email)\s{0,2}\("),
)  # fmt: skip


class _Anchors:
    """Which rules have an anchor in a text. An anchor with a root in it (a sign, a usual beginning, or a shorter anchor)
    is not looked for where that root is not: most texts have few of them."""

    _SIGNS = ("_", '"', "**", "and ", "then ")

    def __init__(self, orders: Sequence[_Rule], machine: Sequence[_Rule]) -> None:
        self._orders, self._machine = orders, machine
        rules_of: dict[str, list[int]] = {}
        for number, rule in enumerate((*orders, *machine)):
            for anchor in rule.anchors:
                rules_of.setdefault(anchor, []).append(number)
        under: dict[str, list[tuple[str, list[int]]]] = {}
        for anchor, numbers in rules_of.items():
            root = next((sign for sign in self._SIGNS if sign in anchor), None)
            root = root or min((part for part in rules_of if part in anchor), key=len)
            under.setdefault(root, []).append((anchor, numbers))
        self._under = tuple(under.items())
        self._under_ascii = tuple(each for each in self._under if each[0].isascii())

    def rules_in(self, text: str) -> tuple[list[_Rule], list[_Rule]]:
        found: set[int] = set()
        for root, anchors in self._under_ascii if text.isascii() else self._under:
            if root in text:
                for anchor, numbers in anchors:
                    if anchor == root or anchor in text:
                        found.update(numbers)
        split = len(self._orders)
        return (
            [self._orders[number] for number in sorted(found) if number < split],
            [self._machine[number - split] for number in sorted(found) if number >= split],
        )


_ANCHORS = _Anchors(_ORDERS, _MACHINE)


def orders(text: str) -> tuple[str, ...]:
    """`("orders",)` for phrases that give orders to an assistant, `"machine"` among them for what imitates the markup
    of a model's host (chat templates, tool calls, fences); nothing for most texts."""
    return orders_of_each((text,))[0]


def orders_of_each(texts: Iterable[str]) -> list[tuple[str, ...]]:
    """`orders` of each of some texts. What none of them has a word of is looked for once in all of them."""
    forms = [_forms(text) for text in texts]
    rules: dict[bool, tuple[list[_Rule], list[_Rule]]] = {}
    for plain in (True, False):  # a search in ASCII is quicker, and most rules are not for it
        together = "\n".join(form for each in forms for form in each if each[0].isascii() is plain)
        rules[plain] = _ANCHORS.rules_in(together)
    return [_found_in(each, *rules[each[0].isascii()]) for each in forms]


def _forms(text: str) -> tuple[str, ...]:
    """The text in small letters, and as its letters look where that is another one."""
    text = text[:_LONGEST]
    if text.isascii():
        return (text.lower(),)
    plain = unicodedata.normalize("NFKC", text).lower()
    if plain.isascii():
        return (plain,)
    latin = _in_latin(plain)
    return (plain,) if latin == plain else (plain, latin)


def _found_in(forms: Sequence[str], rules: Sequence[_Rule], machine: Sequence[_Rule]) -> tuple[str, ...]:
    found = ["orders"] if any(_any_of(rules, form) for form in forms) else []
    return (*found, "machine") if _any_of(machine, forms[0]) else tuple(found)


def _any_of(rules: Sequence[_Rule], text: str) -> bool:
    plain = text.isascii()
    for rule in rules:
        if plain and rule.foreign:
            continue
        searched = 0
        for anchor in rule.anchors:
            place = text.find(anchor)
            while place >= 0 and searched < _MOST_PLACES:
                searched += 1
                if rule.pattern.search(text, max(0, place - _AROUND), place + _AROUND):
                    return True
                place = text.find(anchor, place + len(anchor))
    return False


_MIXED_WORD = re.compile(r"[^\W\d_]{3,30}")


def _in_latin(text: str) -> str:
    """The text with letters that imitate Latin ones in words that mix both as Latin ones."""
    if not may_mix_latin(text):
        return text
    return _MIXED_WORD.sub(lambda word: word[0] if word[0].isascii() else latin_form(word[0]), text)
