"""The archive that the case table is about: 43 messages, each with a name.

Times are on the user's clock, in Seoul. A place is account/mailbox. Flags: S seen, F flagged, A answered, D draft.
Every word that the table asks for stands here in one form only, so that matching by stem finds the same messages.
"""
# ruff: noqa: E501 - a table, whose lines are as long as the messages

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from support.archives import Mail

ZONE = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)  # Wednesday, 21:00 in Seoul

ROLES = {
    ("home", "INBOX"): MailboxRole.INBOX,
    ("home", "Sent"): MailboxRole.SENT,
    ("home", "Drafts"): MailboxRole.DRAFTS,
    ("home", "Archive"): MailboxRole.ARCHIVE,
    ("home", "Spam"): MailboxRole.JUNK,
    ("home", "Trash"): MailboxRole.TRASH,
    ("work", "INBOX"): MailboxRole.INBOX,
    ("work", "Gesendet"): MailboxRole.SENT,
}
_FLAGS = {"S": Flag.SEEN, "F": Flag.FLAGGED, "A": Flag.ANSWERED, "D": Flag.DRAFT}

PDF = "application/pdf"
OFFICE = "application/vnd.openxmlformats-officedocument."
XLSX, DOCX, PPTX = (
    f"{OFFICE}spreadsheetml.sheet",
    f"{OFFICE}wordprocessingml.document",
    f"{OFFICE}presentationml.presentation",
)

BO, BO_AT_WORK = "Bo Kim <bo@home.example>", "Bo Kim <bo@work.example>"
ANA, DANA = "Ana Lima <ana@acme.io>", "Dana Park <dana@park.example>"
JOSE, ZOE = "José Núñez <jose@cafe.example>", "Zoë Ek <zoe@notacme.io>"
HELENE = "Hélène Brüßel <helene@cafe.example>"
BILLING, ROOT = "billing@shop.example", "root@localhost"
DEVELOPERS = ("List-Id", "Developers <dev.lists.acme.io>")
DEPOSIT = "The deposit is due on Friday. Please transfer 2400 to the landlord."
MAIN = "main() returns early; see fs/inode.c"


@dataclass(frozen=True)
class Letter:
    name: str
    mail: Mail
    places: tuple[tuple[str, str], ...]
    flags: Flag


def letter(
    name: str,
    when: str,
    where: str,
    flags: str,
    sender: str,
    to: str,
    subject: str,
    text: str,
    *,
    after: str = "",
    files: tuple[tuple[str, str], ...] = (),
    size: int = 20,
    headers: tuple[tuple[str, str], ...] = (),
    cc: str = "",
    html: str = "",
) -> Letter:
    """`after` names the message that it replies to; each of `files` (name, type) has `size` bytes."""
    local = datetime.fromisoformat(when).replace(tzinfo=ZONE)
    places = [place.partition("/") for place in where.split(" + ")]
    mail = Mail(
        subject=subject,
        sender=sender,
        to=to,
        cc=cc,
        date=format_datetime(local),
        text=text,
        html=html,
        message_id=f"{name}@mail.example",
        in_reply_to=f"{after}@mail.example" if after else "",
        files=tuple((filename, content_type, b"x" * size) for filename, content_type in files),
        headers=headers,
    )
    flag = Flag(0)
    for mark in flags:
        flag |= _FLAGS[mark]
    return Letter(name, mail, tuple((account, mailbox) for account, _, mailbox in places), flag)


def quoting(text: str, attribution: str, quoted: str) -> str:
    return f"{text}\n\nOn {attribution} wrote:\n> {quoted}\n"


# fmt: off
LETTERS = (
    # one conversation, with quoted history and an attachment
    letter("rent", "2026-03-09 14:05", "home/INBOX", "S", ANA, BO, "Rent for March", DEPOSIT),
    letter("lease", "2026-03-10 09:00", "home/Sent", "S", BO, ANA, "Re: Rent for March",
           quoting("Signed; see the lease.", "Mon, 9 Mar 2026 at 14:05, Ana Lima <ana@acme.io>", DEPOSIT),
           cc=DANA, after="rent", files=(("Lease 2026.pdf", PDF),)),
    letter("keys", "2026-03-11 10:00", "home/INBOX", "F", "Ana Lima <ana.lima@mail.acme.io>", BO, "Re: Rent for March",
           "Collect the keys at the porter's lodge.", after="lease"),
    # around midnight, the new year, a leap day, the beginning of a week
    letter("before", "2026-03-08 23:59:59", "home/INBOX", "S", ZOE, BO, "Late night", "Still awake."),
    letter("stroke", "2026-03-09 00:00", "home/INBOX", "S", ZOE, BO, "Early bird", "Already awake."),
    letter("fireworks", "2025-12-31 23:59:59", "home/Archive", "S", JOSE, BO, "Fireworks", "Watch them from the bridge."),
    letter("soup", "2026-01-01 00:00", "home/Archive", "S", JOSE, BO, "Soup", "Café at noon? Bring a naïve friend."),
    letter("leap", "2024-02-29 12:00", "home/Archive", "S", DANA, BO, "Leap day party", "Balloons and cake for everybody."),
    letter("tent", "2019-07-15 12:00", "home/Archive", "S", ROOT, BO, "Summer camp", "Bring a tent."),
    letter("umbrella", "2026-03-23 00:00", "home/INBOX", "S", ZOE, BO, "Umbrella", "It pours."),
    letter("dry", "2026-03-30 00:00", "home/INBOX", "S", ZOE, BO, "Week ahead", "Dry at last."),
    letter("recipe", "2026-03-31 20:00", "home/INBOX", "S", JOSE, BO, "Recipe", "Garlic and thyme."),
    letter("standup", "2026-04-01 08:00", "work/INBOX", "", DANA, BO_AT_WORK, "Standup", "Ten sharp."),
    # business, with files of every kind
    letter("invoice", "2026-02-14 08:30", "work/INBOX", "", BILLING, BO_AT_WORK, "Invoice 4711",
           "Amount payable: $1,250.00 for order AB-1234.", files=(("invoice-4711.pdf", PDF),)),
    letter("notice", "2026-03-20 08:30", "work/INBOX", "F", BILLING, BO_AT_WORK, "Second notice: invoice 4711",
           "Overdue since Tuesday.", after="invoice"),
    letter("figures", "2026-03-02 10:00", "work/Projects/Harbour", "SA", DANA, BO_AT_WORK, "Harbour budget",
           "Crane hire doubles. The budget meeting moved to Thursday.", cc=ANA, files=(("Harbour Budget v2.xlsx", XLSX),)),
    letter("minutes", "2026-03-05 10:00", "work/Projects/Harbour", "S", ANA, BO_AT_WORK, "Minutes",
           "Meeting about the budget: postponed twice.", files=(("minutes.docx", DOCX),)),
    letter("deck", "2026-03-06 10:00", "work/Projects/Harbour", "", DANA, BO_AT_WORK, "Pitch deck", "Nothing to add.",
           files=(("deck.pptx", PPTX), ("logo.png", "image/png"))),
    letter("sunset", "2026-03-15 18:00", "home/INBOX", "S", JOSE, BO, "Sunset", "Seen from the pier.",
           files=(("sunset.jpg", "image/jpeg"),), size=300_000),
    letter("whales", "2026-03-16 18:00", "home/INBOX", "S", JOSE, BO, "Whales", "Look at this clip.",
           files=(("whales.mp4", "video/mp4"),), size=1_600_000),
    letter("kickoff", "2026-03-18 09:00", "work/INBOX", "S", ANA, BO_AT_WORK, "Kick-off", "Join us in room 5.",
           files=(("invite.ics", "text/calendar"),)),
    letter("backup", "2026-03-19 03:00", "work/INBOX", "S", ROOT, BO_AT_WORK, "Nightly backup", "Finished without errors.",
           files=(("backup.zip", "application/zip"),)),
    letter("card", "2026-03-13 11:00", "home/INBOX", "S", DANA, BO, "New number", "Please update it.",
           files=(("dana.vcf", "text/vcard"),)),
    letter("outline", "2026-03-07 16:00", "work/Gesendet", "S", BO_AT_WORK, DANA, "Quarterly outline",
           "C++ and C# experts wanted; recruiting starts Monday.", headers=(("Bcc", ANA),)),
    # mailing lists
    letter("patch", "2026-03-03 11:00", "work/Lists", "S", ZOE, "dev@lists.acme.io", "[PATCH v7] fix overflow", MAIN,
           headers=(DEVELOPERS,)),
    letter("review", "2026-03-04 11:00", "work/Lists", "", ANA, "dev@lists.acme.io", "Re: [PATCH v7] fix overflow",
           quoting("Queued.", "Tue, 3 Mar 2026 at 11:00, Zoë Ek <zoe@notacme.io>", MAIN), after="patch", headers=(DEVELOPERS,)),
    letter("roses", "2026-03-14 07:00", "home/INBOX", "", "Rosa Lind <rosa@garden.example>", "roses@garden.example", "Pruning",
           "Cut above the bud.", headers=(("List-Id", "Rose growers <roses.garden.example>"),)),
    # places, links, and who else takes part
    letter("sale", "2026-03-17 06:00", "home/Category Promotions", "", "Shop <deals@shop.example>", BO, "50% off",
           "Two for one: https://shop.example/sale?x=1"),
    letter("jackpot", "2026-03-21 06:00", "home/Spam", "", "lottery@prize.example", BO, "You won", "Claim the jackpot now."),
    letter("scrap", "2026-02-01 06:00", "home/Trash", "S", BO, BO, "Scrap", "Throw this away."),
    letter("letter", "2026-03-22 22:00", "home/Drafts", "SD", BO, JOSE, "Unfinished", "Dear José, I meant to"),
    letter("docs", "2026-02-23 12:00", "home/INBOX", "S", "wiki@acme.io", BO, "Handbook", "The handbook lives here now.",
           html='<p>The handbook lives <a href="https://wiki.example/new">here</a> now.</p>'),
    letter("booking", "2026-03-25 12:00", "home/INBOX + home/Travel/Japan", "SA", "Korea Wings <no-reply@wings.example>", BO,
           "Your booking ABC123", "Flight KE 701 from ICN to NRT, seat 21A. Call +82-2-1234-5678."),
    letter("shared", "2026-02-10 12:00", "home/INBOX + work/INBOX", "", "Boss <boss@corp.example>", f"{BO}, {BO_AT_WORK}",
           "Shared printer", "Toner is empty.",
           headers=(("Sender", "Assistant <assist@acme.io>"), ("Reply-To", "Helpdesk <help@desk.example>"))),
    letter("quirks", "2026-02-11 12:00", "home/INBOX", "S", ZOE, BO, "What's up?",
           "A zero:sum game, at 10:30, on a 5\" disk; Re:hello; don’t panic."),
    letter("blank", "2026-02-12 12:00", "home/INBOX", "S", "tips@localhost", "undisclosed-recipients:;", "", "Nobody signed this."),
    # languages
    letter("korean", "2026-03-12 09:00", "work/INBOX", "S", "김철수 <cs.kim@hanbit.example>", BO_AT_WORK, "예산안 회의 안내",
           "내일 오후 세 시에 예산 회의가 있습니다. 자료를 확인해 주세요."),
    letter("japanese", "2026-03-24 09:00", "home/Travel/Japan", "S", "田中 <tanaka@nihon.example>", BO, "会議資料のお願い",
           "サーバーの設定を確認してください。"),
    letter("chinese", "2026-03-26 09:00", "work/INBOX", "", "王伟 <wang@zhong.example>", BO_AT_WORK, "增值税发票",
           "请查收附件中的发票，谢谢。", files=(("发票2026.pdf", PDF),)),
    letter("thai", "2026-03-27 09:00", "work/INBOX", "S", "somchai@thai.example", BO_AT_WORK, "ใบแจ้งหนี้ค่าเช่า",
           "กรุณาชำระเงินภายในวันจันทร์"),
    letter("french", "2026-02-20 12:00", "home/INBOX", "S", HELENE, BO, "Déjeuner à Besançon",
           "La façade est très belle, au cœur de la ville."),
    letter("german", "2026-02-21 12:00", "home/INBOX", "S", HELENE, BO, "Straßenfest", "Grüße aus Köln, in voller Größe."),
    letter("russian", "2026-02-22 12:00", "home/INBOX", "S", "Иван <ivan@ru.example>", BO, "Встреча в среду", "Ёлка куплена."),
)
# fmt: on
