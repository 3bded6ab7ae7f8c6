"""Robin's trade at home: what was agreed with Kim in March, freight, the office, the accountant."""

# ruff: noqa: E501 - letters and tables of them read best unbroken

from mailquery.sample.files import calendar, pdf, png, text
from mailquery.sample.letters import Letter, at, talk
from mailquery.sample.world import (
    AYSE,
    KIM,
    LOGISTICS,
    ME,
    SCHROEDER,
    TOM,
)


def letters() -> list[Letter]:
    return [
        *_kim(),
        *_freight_invoices(),
        *_office(),
        *_accountant(),
    ]


def _kim() -> list[Letter]:
    """In March 2026: 400 kg of first flush at 38 euros a kilo, 30 % on order, by air in two lots."""
    invitation = Letter(
        at("2026-03-04 17:20", 9),
        KIM,
        (ME,),
        "Invitation: call about the 2026 harvest, 10 March",
        "Dear Robin,\n\nshall we talk about this year's harvest on Tuesday 10 March, 09:00 your time? Invitation attached.\n\nKim Jiho",
        files=(calendar("Harvest 2026: prices and lots", at("2026-03-10 09:00"), 60, KIM, (ME,), "Video call"),),
        flags="RS",
    )
    accepted = Letter(
        at("2026-03-04 11:02"),
        ME,
        (KIM,),
        "Re: Invitation: call about the 2026 harvest, 10 March",
        "Dear Jiho,\n\nTuesday is fine. I would like to speak about price, air freight and the organic certificate.\n\nRobin",
        answers=invitation,
        mailbox="Sent",
    )
    agreed = talk(
        "Our agreement on the 2026 first flush",
        (
            "2026-03-10 11:40",
            ME,
            """
Dear Jiho,

thank you for the good call this morning. As I understood it, we agreed on this:

1. 400 kg of first flush (Ujeon and Sejak, half each) from the 2026 harvest.
2. 38 EUR per kilo, fixed for this year.
3. 30 % on order, the rest 30 days after arrival in Hamburg.
4. By air in two lots: 200 kg by 15 May, 200 kg by 10 June.
5. You send the organic certificate before the first lot leaves.

Please tell me if I have anything wrong.

Robin""",
        ),
        (
            "2026-03-11 10:05",
            KIM,
            """
Dear Robin,

one correction: the second lot can leave by 20 June, not 10 June, because Sejak is picked later this year.
Everything else is as you write. The certificate comes in April.

Kim Jiho
Boseong Tea Garden""",
        ),
        (
            "2026-03-11 09:30",
            ME,
            "Dear Jiho,\n\n20 June is fine for the second lot. Then it is agreed: 400 kg, 38 EUR, 30 % on order. I pay 4,560 EUR this week.\n\nRobin",
        ),
        (
            "2026-03-13 16:48",
            KIM,
            "Dear Robin,\n\nthe deposit of 4,560 EUR has arrived, thank you. The contract is in the post.\n\nJiho",
        ),
        me=ME,
    )
    certificate = Letter(
        at("2026-04-08 14:10", 9),
        KIM,
        (ME, TOM),
        "Organic certificate 2026",
        "Dear Robin,\n\nas promised in March, the organic certificate. It is valid until March 2027.\n\nJiho",
        files=(
            pdf(
                "organic-certificate-2026.pdf",
                ["Organic certificate KR-BIO-132", "Boseong Tea Garden", "Valid 1 April 2026 to 31 March 2027"],
            ),
        ),
        mailbox="Archive",
    )
    return [invitation, accepted, *agreed, certificate]


def _freight_invoices() -> list[Letter]:
    """Nine freight invoices. Eight are confirmed as paid; NL-2026-1047 is not, and a reminder has come."""
    bills = (
        ("2025-07-10", "NL-2025-0712", "842,10", "2025-07-24", "2025-07-21"),
        ("2025-09-11", "NL-2025-0903", "1.110,00", "2025-09-25", "2025-09-22"),
        ("2025-11-06", "NL-2025-1105", "655,80", "2025-11-20", "2025-11-17"),
        ("2026-01-15", "NL-2026-0114", "720,00", "2026-01-29", "2026-01-26"),
        ("2026-04-02", "NL-2026-0402", "1.396,25", "2026-04-16", "2026-04-13"),
        ("2026-05-21", "NL-2026-0520", "1.905,00", "2026-06-04", "2026-06-01"),
        ("2026-07-02", "NL-2026-0701", "1.877,40", "2026-07-16", "2026-07-13"),
        ("2026-09-03", "NL-2026-0902", "933,30", "2026-09-17", "2026-09-14"),
        ("2026-10-30", "NL-2026-1047", "1.284,50", "2026-11-13", ""),
    )
    made = []
    for day, number, amount, due, paid in bills:
        document = pdf(
            f"Rechnung-{number}.pdf",
            [
                "Nordlicht Logistik GmbH",
                f"Rechnung {number} vom {day}",
                "Luftfracht und Zollabfertigung",
                f"Betrag {amount} EUR, fällig am {due}",
            ],
        )
        made.append(
            Letter(
                at(f"{day} 08:12"),
                LOGISTICS,
                (ME,),
                f"Rechnung {number} über {amount} EUR",
                f"Sehr geehrte Frau Park,\n\nanbei unsere Rechnung {number} (invoice) für Luftfracht und Zollabfertigung.\n"
                f"Bitte überweisen Sie {amount} EUR bis zum {due}.\n\nMit freundlichen Grüßen\nNordlicht Logistik GmbH",
                files=(document,),
                charset="iso-8859-1",
            )
        )
        if paid:
            made.append(
                Letter(
                    at(f"{paid} 07:40"),
                    LOGISTICS,
                    (ME,),
                    f"Zahlungseingang Rechnung {number}",
                    f"Sehr geehrte Frau Park,\n\nIhre Zahlung von {amount} EUR zur Rechnung {number} ist eingegangen (invoice paid). Vielen Dank!\n\nNordlicht Logistik GmbH",
                    mailbox="Archive",
                )
            )
    made.append(
        Letter(
            at("2026-11-17 08:05"),
            LOGISTICS,
            (ME,),
            "Zahlungserinnerung: Rechnung NL-2026-1047 ist noch offen",
            "Sehr geehrte Frau Park,\n\nzur Rechnung NL-2026-1047 über 1.284,50 EUR, fällig am 13.11.2026, haben wir noch keinen Zahlungseingang"
            " (this invoice is unpaid).\nBitte überweisen Sie den Betrag bis zum 27.11.2026. Hat sich Ihre Zahlung mit diesem"
            " Schreiben gekreuzt, betrachten Sie es bitte als gegenstandslos.\n\nMit freundlichen Grüßen\nNordlicht Logistik GmbH",
            flags="",
        )
    )
    return made


def _office() -> list[Letter]:
    label = talk(
        "New labels for the tins",
        (
            "2026-02-03 09:30",
            AYSE,
            "Robin, Tom,\n\nthe printer needs the final text by Friday. Shall we put the harvest year on the front?\n\nAyşe",
        ),
        ("2026-02-03 10:05", TOM, "Front, yes. Customers ask for it all the time.\n\nTom"),
        ("2026-02-03 13:40", ME, 'Front, small, below the name. And please leave out the word "premium".\n\nRobin'),
        ("2026-02-04 08:50", AYSE, "Done. Proofs come on Monday.\n\nAyşe"),
        me=ME,
    )
    fair = talk(
        "Stand at the Berlin food fair",
        (
            "2025-09-30 16:00",
            TOM,
            "We can have the corner stand again, 12 square metres for 2,900 EUR. Deadline is 10 October.\n\nTom",
        ),
        ("2025-10-01 09:12", ME, "Take it. Ayşe and I come on the first two days.\n\nRobin"),
        ("2025-10-01 09:30", AYSE, "I will book the rooms.\n\nAyşe"),
        me=ME,
    )
    keys = talk(
        "Who has the second warehouse key?",
        ("2026-08-11 17:45", TOM, "I can't find it, and the courier comes at seven tomorrow.\n\nTom"),
        ("2026-08-11 18:02", ME, "In the green tin on my desk. Please put it back this time :-)\n\nRobin"),
        me=ME,
    )
    figures = []
    for quarter, day, total, bars in (
        ("Q3 2025", "2025-10-07 10:00", "61,200", [18, 20, 23]),
        ("Q4 2025", "2026-01-09 10:00", "98,750", [26, 32, 40]),
        ("Q1 2026", "2026-04-08 10:00", "57,900", [19, 17, 22]),
        ("Q2 2026", "2026-07-08 10:00", "72,300", [24, 26, 27]),
        ("Q3 2026", "2026-10-07 10:00", "69,480", [22, 25, 28]),
    ):
        figures.append(
            Letter(
                at(day),
                AYSE,
                (ME, TOM),
                f"Figures for {quarter}",
                f"Hi both,\n\nturnover in {quarter} was {total} EUR. The chart has the three months; the notes are in the text file.\n\nAyşe",
                files=(
                    png(f"turnover-{quarter.replace(' ', '-').lower()}.png", bars),
                    text(
                        "notes.txt",
                        f"{quarter}\nTurnover: {total} EUR\nBest seller: Sejak 100 g\nReturns: below one percent\n",
                    ),
                ),
            )
        )
    return [*label, *fair, *keys, *figures]


def _accountant() -> list[Letter]:
    taxes = talk(
        "Unterlagen für den Jahresabschluss 2025",
        (
            "2026-01-20 09:05",
            SCHROEDER,
            "Liebe Frau Park,\n\nfür den Jahresabschluss 2025 fehlen mir noch die Kontoauszüge für November und die Inventurliste.\n\nViele Grüße\nSabine Schröder",
        ),
        (
            "2026-01-21 19:20",
            ME,
            "Liebe Frau Schröder,\n\ndie Kontoauszüge kommen morgen, die Inventurliste schickt Ayşe am Freitag.\n\nRobin Park",
        ),
        (
            "2026-02-18 14:35",
            SCHROEDER,
            "Liebe Frau Park,\n\nder Abschluss ist fertig. Die Nachzahlung beträgt 1.920 Euro, fällig am 20. März.\n\nViele Grüße\nSabine Schröder",
        ),
        me=ME,
    )
    vat = talk(
        "Umsatzsteuer: Einfuhr aus Korea",
        (
            "2026-06-25 10:00",
            ME,
            "Liebe Frau Schröder,\n\ndie zweite Lieferung aus Korea ist da. Brauchen Sie den Zollbescheid im Original?\n\nRobin Park",
        ),
        (
            "2026-06-25 11:15",
            SCHROEDER,
            "Eine Kopie genügt. Bitte legen Sie die Rechnung von Nordlicht Logistik dazu.\n\nViele Grüße\nSabine Schröder",
        ),
        me=ME,
    )
    return [*taxes, *vat]
