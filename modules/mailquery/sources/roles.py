"""What a mailbox is for, guessed from its name: no file format keeps the special-use attributes of RFC 6154."""

import unicodedata

from mailquery.domain.mailboxes import MailboxRole

_NAMES: dict[MailboxRole, str] = {
    MailboxRole.INBOX: (
        "inbox|in|posteingang|boîte de réception|courrier entrant|recibidos|bandeja de entrada|posta in arrivo|"
        "caixa de entrada|postvak in|받은편지함|받은 편지함|받은메일함|受信トレイ|受信箱|受信ボックス|收件箱|收件匣|收件夹"
    ),
    MailboxRole.SENT: (
        "sent|sent mail|sent messages|sent items|sent-mail|sentmail|outgoing|gesendet|gesendete objekte|"
        "gesendete elemente|gesendete nachrichten|envoyé|envoyés|messages envoyés|éléments envoyés|courrier envoyé|"
        "enviado|enviados|mensajes enviados|elementos enviados|inviati|posta inviata|보낸편지함|보낸 편지함|보낸메일함|"
        "보낸 메일함|보낸 항목|送信済み|送信済みメール|送信済みアイテム|送信済みトレイ|送信箱|已发送|已发邮件|已发送邮件|已发送的邮件|"
        "已寄出|寄件備份|寄件備份匣|寄件备份|寄件匣"
    ),
    MailboxRole.DRAFTS: (
        "drafts|draft|entwurf|entwürfe|brouillon|brouillons|borrador|borradores|bozze|rascunhos|임시보관함|임시 보관함|"
        "下書き|草稿|草稿箱|草稿夹|草稿匣"
    ),
    MailboxRole.ARCHIVE: (
        "archive|archives|archived|archiv|archiviert|archivé|archivés|messages archivés|archivo|archivado|archivados|"
        "보관함|보관|보관됨|보관처리됨|보관 처리됨|アーカイブ|アーカイブ済み|归档|已归档|存档|封存|已封存|保存|封存郵件"
    ),
    MailboxRole.JUNK: (
        "junk|spam|junk mail|junk e-mail|junk email|junk-e-mail|bulk mail|spamverdacht|unerwünscht|"
        "unerwünschte werbung|indésirables|courrier indésirable|pourriel|correo no deseado|no deseado|스팸|스팸함|"
        "스팸메일함|정크 메일|迷惑メール|迷惑メールフォルダー|垃圾邮件|垃圾郵件|垃圾邮件箱|垃圾郵件匣"
    ),
    MailboxRole.TRASH: (
        "trash|bin|deleted|deleted items|deleted messages|papierkorb|gelöscht|gelöschte elemente|gelöschte objekte|"
        "corbeille|éléments supprimés|messages supprimés|papelera|papelera de reciclaje|elementos eliminados|cestino|"
        "lixeira|휴지통|지운 편지함|지운편지함|삭제된 항목|삭제한 편지함|ゴミ箱|ごみ箱|削除済みアイテム|已删除|已删除邮件|已删除的邮件|"
        "废纸篓|回收站|垃圾桶|刪除的郵件|已刪除的郵件"
    ),
    MailboxRole.ALL: (
        "all mail|allmail|alle nachrichten|tous les messages|todos|todos los mensajes|전체보관함|전체 보관함|すべてのメール|"
        "所有邮件|所有郵件|全部郵件|all mail including spam and trash"
    ),
    MailboxRole.FLAGGED: (
        "starred|flagged|markiert|suivis|messages suivis|destacado|destacados|별표편지함|별표 편지함|スター付き|已加星标|已加星號"
    ),
    MailboxRole.IMPORTANT: "important|wichtig|importants|importante|importantes|중요|중요편지함|중요 편지함|重要|重要邮件|重要郵件",
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names.split("|")}

# Folders that hold a whole account's mailboxes; below any other folder a name says nothing (Clients/Sent).
_ACCOUNT_FOLDERS = frozenset({"[gmail]", "[google mail]", "[imap]", "local folders", "on my mac", "imapmail", "mail"})


def folded(name: str) -> str:
    """A name as it is compared: without differences of case, composition, no-break spaces and outer blanks."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def role_of(mailbox: str) -> MailboxRole:
    """The role of a mailbox by its name, path elements separated by "/"; NONE where the name says nothing."""
    parents, _, last = mailbox.rpartition("/")
    parent = folded(parents.rpartition("/")[2])
    if (
        parent
        and parent not in _ACCOUNT_FOLDERS
        and _ROLES.get(parent) is not MailboxRole.INBOX
        and not ("." in parent or "@" in parent)  # a server's or an account's folder: imap.example.org
    ):
        return MailboxRole.NONE
    return _ROLES.get(folded(last), MailboxRole.NONE)
