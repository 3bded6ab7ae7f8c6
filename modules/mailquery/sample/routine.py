"""What comes every week or month: newsletters, bills that pay themselves, web shop orders, parcels, team notes."""

# ruff: noqa: E501 - letters and tables of them read best unbroken

import random
from collections.abc import Iterator
from datetime import date, timedelta
from html import escape

from mailquery.sample.files import pdf
from mailquery.sample.letters import Letter, Person, at
from mailquery.sample.world import (
    AYSE,
    BANK,
    BOOKS,
    HOSTING,
    LEAF_LETTER,
    ME,
    PARCEL,
    POWER,
    SHOP,
    TOM,
    WAREHOUSE,
)

_SEED = 1886
_FIRST = date(2025, 6, 1)
_LAST = date(2026, 11, 18)


def letters() -> list[Letter]:
    rng = random.Random(_SEED)  # noqa: S311 - the same mailbox each time is the purpose
    return [*_newsletter(), *_bills(), *_orders(rng), *_team_notes(rng), *_books()]


def _months() -> Iterator[date]:
    day = _FIRST
    while day <= _LAST:
        yield day
        day = (day + timedelta(days=32)).replace(day=1)


_STORIES = (
    (
        "How frost in April changes the first flush",
        "Growers in Boseong and Shizuoka lost a week, and what that does to the taste.",
    ),
    ("Water matters more than you think", "We brewed the same Sencha with six waters. Hamburg tap water came fourth."),
    ("Air or sea?", "Freight rates fell by a fifth since spring, yet few importers switch back to ships."),
    ("The return of the gaiwan", "Three potters in Jingdezhen on lids, burnt fingers and patience."),
    ("Reading an organic certificate", "Four lines to check before you pay a deposit."),
    ("White tea ages", "What happens to Bai Mudan after three, seven and twelve years in the chest."),
    ("Who drinks Oolong?", "A survey of 400 shops: the young buy it cold, in cans."),
    ("Tins, pouches, paper", "Which packaging keeps Sejak green after a summer on the shelf."),
    ("A day with a taster", "Sixty cups before lunch, and not one swallowed."),
    ("Thai highlands, new gardens", "Chiang Rai plants Jin Xuan where maize grew ten years ago."),
    ("Customs codes for beginners", "0902 or 2101? A mistake that costs nine percent."),
    ("Winter blends", "Cardamom, orange peel, and why cloves must be the last to enter."),
    ("Matcha prices double", "Stone mills cannot grind faster than forty grams an hour."),
)


def _newsletter() -> list[Letter]:
    """Every second week, in HTML with a plain text that only says so."""
    made = []
    day = _FIRST + timedelta(days=3)
    number = 118
    while day <= _LAST:
        picked = [_STORIES[(number * 3 + step) % len(_STORIES)] for step in range(3)]
        items = "".join(
            f'<tr><td style="padding:12px"><h2>{escape(title)}</h2><p>{escape(line)}</p>'
            f'<p><a href="https://leafletter.example/{number}/{place}">Read more</a></p></td></tr>'
            for place, (title, line) in enumerate(picked, 1)
        )
        made.append(
            Letter(
                at(f"{day} 06:00", 0),
                LEAF_LETTER,
                (ME,),
                f"The Leaf Letter {number}: {picked[0][0]}",
                f"View this issue in your browser: https://leafletter.example/{number}",
                html=f'<!DOCTYPE html><html><head><style>h2{{color:#2c6e49}}</style></head><body><table width="600">'
                f"<tr><td><h1>The Leaf Letter</h1><p>Issue {number}, {day:%d %B %Y}</p></td></tr>{items}"
                f'<tr><td><p>You receive this because you subscribed. <a href="https://leafletter.example/unsubscribe">'
                f'Unsubscribe</a></p></td></tr></table><img src="https://leafletter.example/o/{number}.gif" width="1"'
                f' height="1" alt=""></body></html>',
                list_id="leafletter.example",
                mailbox="Archive" if day.year < 2026 else "INBOX",
                flags="S" if number % 4 else "",
            )
        )
        day += timedelta(days=14)
        number += 1
    return made


def _bills() -> list[Letter]:
    """Bills that are collected from the account: each says that it is paid, so that none looks open."""
    made = []
    for index, month in enumerate(_months()):
        label = f"{month:%Y-%m}"
        made.append(
            _receipt(
                HOSTING,
                month.replace(day=2),
                f"Receipt CB-{4100 + index} for {month:%B %Y}",
                "29.00",
                f"Thank you. Your invoice CB-{4100 + index} over 29.00 EUR was paid by card ending 4471.",
            )
        )
        made.append(
            _receipt(
                WAREHOUSE,
                month.replace(day=1),
                f"Miete Lager {label}: Rechnung SH-{label}",
                "640,00",
                f"Sehr geehrte Frau Park,\n\ndie Rechnung SH-{label} über 640,00 EUR wird heute von Ihrem Konto"
                " abgebucht. Sie müssen nichts tun.\n\nSpeicherhof Hamburg",
            )
        )
        if month.month % 2 == 0:
            made.append(
                _receipt(
                    POWER,
                    month.replace(day=12),
                    f"Ihr Abschlag {label}",
                    "118,00",
                    f"Guten Tag Frau Park,\n\nIhr Abschlag von 118,00 EUR für Strom ({label}) ist bezahlt.\n\nElbstrom",
                )
            )
        made.append(
            Letter(
                at(f"{month.replace(day=3)} 05:30"),
                BANK,
                (ME,),
                f"Ihr Kontoauszug {label} liegt bereit",
                "Guten Tag Frau Park,\n\nIhr neuer Kontoauszug liegt in Ihrem Postfach der Hansebank bereit.\n"
                "Wir fragen Sie in E-Mails niemals nach PIN oder TAN.\n\nHansebank",
                mailbox="Archive",
                charset="iso-8859-1",
            )
        )
    return made


def _receipt(sender: Person, day: date, subject: str, amount: str, text: str) -> Letter:
    number = subject.split()[1].strip(":")
    document = pdf(
        f"{sender.address.partition('@')[0]}-{day:%Y-%m}.pdf",
        [sender.name, subject, f"{amount} EUR", f"Date {day}", "PAID"],
    )
    return Letter(
        at(f"{day} 04:{len(number) * 3:02d}"), sender, (ME,), subject, text, files=(document,), mailbox="Receipts"
    )


_BUYERS = (
    ("Lena Vogt", "Kiel"),
    ("Marek Nowak", "Szczecin"),
    ("Ines Almeida", "Lisboa"),
    ("Oskar Lind", "Malmö"),
    ("Greta Sommer", "Lübeck"),
    ("Paul Janssen", "Groningen"),
    ("Chiara Conti", "Torino"),
    ("Hugo Martin", "Lyon"),
    ("Eva Novotná", "Brno"),
    ("Sam Price", "Leeds"),
)
_GOODS = (
    ("Sejak 100 g", 14.50),
    ("Ujeon 50 g", 19.00),
    ("Sencha 100 g", 12.00),
    ("Gyokuro 50 g", 16.50),
    ("Bai Mudan 75 g", 11.00),
    ("Shou Mei 100 g", 9.50),
    ("Oolong Chiang Rai 100 g", 10.50),
    ("Gaiwan, white", 24.00),
)


def _orders(rng: random.Random) -> list[Letter]:
    """Web shop orders every six days or so, and the parcel that follows two days later."""
    made = []
    day = _FIRST + timedelta(days=2)
    number = 20_410
    while day <= _LAST - timedelta(days=2):
        buyer, city = rng.choice(_BUYERS)
        basket = [(*rng.choice(_GOODS), rng.randint(1, 3)) for _ in range(rng.randint(1, 3))]
        total = sum(price * count for _, price, count in basket)
        lines = "\n".join(f"  {count} x {name}  {price * count:.2f} EUR" for name, price, count in basket)
        made.append(
            Letter(
                at(f"{day} {rng.randint(7, 22):02d}:{rng.randint(0, 59):02d}"),
                SHOP,
                (ME,),
                f"New order #{number} from {buyer}, {total:.2f} EUR",
                f"Order #{number}\nCustomer: {buyer}, {city}\n\n{lines}\n\nTotal {total:.2f} EUR, paid.\n",
                cc=(AYSE,),
                mailbox="INBOX" if day > date(2026, 8, 1) else "Archive",
            )
        )
        if number % 2 == 0:
            shipped = day + timedelta(days=2)
            made.append(
                Letter(
                    at(f"{shipped} 16:05"),
                    PARCEL,
                    (ME,),
                    f"Your parcel KN{number * 7} to {city} is on its way",
                    f"We picked up parcel KN{number * 7} (reference: order #{number}).\nExpected delivery to {buyer}, {city}:"
                    f" {shipped + timedelta(days=3):%A %d %B %Y}.\n\nKurier Nord",
                    mailbox="Archive",
                )
            )
        day += timedelta(days=rng.randint(6, 9))
        number += rng.randint(1, 9)
    return made


_DONE = (
    "labelled 320 tins of Sejak", "counted the winter stock", "sent samples to three cafés in Kiel", "cleaned the packing table and oiled the scale",
    "repacked the Gyokuro into 50 g pouches", "answered the customs office about tariff 0902", "photographed the new gaiwans",
    "moved the Oolong away from the window", "trained Nele on the label printer", "renewed the insurance of the delivery bike",
)  # fmt: skip
_NEXT = (
    "tasting on Wednesday at ten", "call the printer about the green foil", "inventory on Friday, all hands", "pick up the pallet in Altenwerder",
    "write the text for the autumn newsletter", "order 500 shipping boxes", "fix the shelf in row C", "check humidity in the cold room",
)  # fmt: skip


def _team_notes(rng: random.Random) -> list[Letter]:
    """Tom's note every third Monday; Robin answers some."""
    made: list[Letter] = []
    day = _FIRST + timedelta(days=1)
    while day <= _LAST:
        done = "\n".join(f"- {line}" for line in rng.sample(_DONE, 3))
        ahead = "\n".join(f"- {line}" for line in rng.sample(_NEXT, 2))
        note = Letter(
            at(f"{day} 08:45"),
            TOM,
            (ME,),
            f"Notes for week {day.isocalendar().week}",
            f"Morning all,\n\nlast week we\n{done}\n\nThis week:\n{ahead}\n\nTom",
            cc=(AYSE,),
            flags="RS" if day.month % 3 == 0 else "S",
        )
        made.append(note)
        if day.month % 3 == 0:
            thanks = rng.choice(
                (
                    "Thanks, Tom. I am at the port until noon.",
                    "Good. Please move the tasting to the afternoon.",
                    "Fine with me. Cake is in the kitchen.",
                )
            )
            made.append(
                Letter(
                    at(f"{day} 09:20"),
                    ME,
                    (TOM,),
                    f"Re: {note.subject}",
                    f"{thanks}\n\nRobin",
                    cc=(AYSE,),
                    answers=note,
                    mailbox="Sent",
                )
            )
        day += timedelta(days=21)
    return made


def _books() -> list[Letter]:
    titles = (
        ("2025-08-14", "The Book of Tea", "12.90"),
        ("2025-12-11", "Danish in Thirty Lessons", "18.00"),
        ("2026-03-19", "Salt, Fat, Rice", "24.50"),
        ("2026-07-23", "A Field Guide to Clouds", "21.00"),
    )
    return [
        Letter(
            at(f"{day} 12:00", 0),
            BOOKS,
            (ME,),
            f"Your receipt from Corner Books: {title}",
            f"Thank you for your order.\n\n1 x {title}  {price} EUR\n\nPaid by card ending 4471. It ships tomorrow.",
            mailbox="Receipts",
        )
        for day, title, price in titles
    ]
