"""A flight to Seoul that is booked, moved and moved again, the hotel, and trains."""

# ruff: noqa: E501 - letters and tables of them read best unbroken

from dataclasses import replace
from datetime import timedelta

from mailquery.sample.files import calendar, pdf
from mailquery.sample.letters import Letter, at, talk
from mailquery.sample.world import AIRLINE, HOTEL, JONAS, KIM, ME, RAIL, TOM

_REFERENCE = "QX7K2M"
_WEEK = timedelta(days=7)


def letters() -> list[Letter]:
    return [*_flight(), *_hotel(), *_pickup(), *_trains()]


def _flight() -> list[Letter]:
    itinerary = pdf(
        f"itinerary-{_REFERENCE}.pdf",
        [
            "Nordwind Airlines - Electronic ticket and itinerary",
            f"Booking reference {_REFERENCE}   Passenger: PARK / ROBIN",
            "NW 741  Hamburg (HAM) - Seoul Incheon (ICN)",
            "Departure  Thursday 3 December 2026, 13:40 (terminal 1)",
            "Arrival    Friday 4 December 2026, 09:05",
            "NW 742  Seoul Incheon (ICN) - Hamburg (HAM)",
            "Departure  Saturday 12 December 2026, 11:20",
            "Seat 14A, one bag of 23 kg. Fare 912.40 EUR, paid by card ending 4471.",
        ],
    )
    booked = Letter(
        at("2026-09-14 19:02"),
        AIRLINE,
        (ME,),
        f"Your booking {_REFERENCE}: Hamburg to Seoul, 2 December 2026",
        f"""Dear Robin Park,

thank you for booking with Nordwind Airlines. Your booking reference is {_REFERENCE}.

Outbound: NW 739, Wednesday 2 December 2026, Hamburg (HAM) 10:15 to Seoul Incheon (ICN) 05:40 (+1)
Return:   NW 742, Saturday 12 December 2026, Seoul Incheon (ICN) 11:20 to Hamburg (HAM) 15:50

Total: 912.40 EUR, paid by card ending 4471.

Nordwind Airlines""",
        mailbox="Receipts",
    )
    moved = Letter(
        at("2026-10-21 08:30"),
        AIRLINE,
        (ME,),
        f"Schedule change for booking {_REFERENCE}",
        f"""Dear Robin Park,

we have had to change the times of your outbound flight (booking {_REFERENCE}).

Old: NW 739, Wednesday 2 December 2026, departs Hamburg 10:15
New: NW 739, Wednesday 2 December 2026, departs Hamburg 06:25

If the new time does not suit you, you may rebook once without charge until 15 November.

Nordwind Airlines""",
        flags="RS",
    )
    asked = Letter(
        at("2026-11-09 21:14"),
        ME,
        (AIRLINE,),
        f"Re: Schedule change for booking {_REFERENCE}",
        """Hello,

06:25 does not work for me: the first train reaches the airport at 06:10.
Please move me to NW 741 on Thursday 3 December. The return flight stays as it is.

Robin Park""",
        answers=moved,
        mailbox="Sent",
    )
    confirmed = Letter(
        at("2026-11-10 11:47"),
        AIRLINE,
        (ME,),
        f"Rebooking confirmed: {_REFERENCE}, new departure 3 December 2026",
        f"""Dear Robin Park,

your rebooking is confirmed. This replaces all earlier itineraries for booking {_REFERENCE}.

Your flight now leaves on Thursday 3 December 2026 at 13:40 from Hamburg (HAM), terminal 1:
NW 741, arriving at Seoul Incheon (ICN) on Friday 4 December at 09:05. Seat 14A.

Return (unchanged): NW 742, Saturday 12 December 2026, Seoul Incheon 11:20 to Hamburg 15:50.

Online check-in opens on 1 December at 13:40. The new itinerary is attached.

Nordwind Airlines""",
        files=(itinerary,),
        flags="FS",
    )
    return [booked, moved, asked, confirmed]


def _hotel() -> list[Letter]:
    reserved = Letter(
        at("2026-09-15 10:20", 9),
        HOTEL,
        (ME,),
        "Reservation 88213 at Hotel Namsan, 3 to 12 December 2026",
        """Dear Ms. Park,

we confirm a double room for single use from Thursday 3 December to Saturday 12 December 2026,
nine nights, breakfast included, 1,341,000 KRW, payable on departure.
Free cancellation until 28 November.

Hotel Namsan, Toegye-ro 97, Seoul""",
        mailbox="Receipts",
        flags="RS",
    )
    late = Letter(
        at("2026-11-10 12:05"),
        ME,
        (HOTEL,),
        "Re: Reservation 88213 at Hotel Namsan, 3 to 12 December 2026",
        "Dear team,\n\nmy flight now arrives on Friday 4 December in the morning. Could you move my arrival to the 4th?\n\nRobin Park",
        answers=reserved,
        mailbox="Sent",
    )
    done = Letter(
        at("2026-11-11 09:12", 9),
        HOTEL,
        (ME,),
        "Re: Reservation 88213 at Hotel Namsan, 3 to 12 December 2026",
        "Dear Ms. Park,\n\nwith pleasure: eight nights from 4 December, 1,192,000 KRW. Your room is ready from noon.\n\nHotel Namsan",
        answers=late,
    )
    return [reserved, late, done]


def _pickup() -> list[Letter]:
    talked = talk(
        "Seoul in December",
        (
            "2026-11-10 20:11",
            ME,
            "Jonas, the flight is now on Thursday the 3rd, 13:40. Can you drive me to the airport around eleven?\n\nR.",
        ),
        (
            "2026-11-10 21:30",
            JONAS,
            "Klar, mache ich. Ich nehme den Donnerstag frei. Mina hat um neun noch Chorprobe, danach fahren wir los.",
        ),
        me=ME,
    )
    visit = Letter(
        at("2026-11-12 09:00", 9),
        KIM,
        (ME, TOM),
        "Invitation: visit to Boseong, 7 December",
        "Dear Robin, dear Tom,\n\nplease find the invitation for the garden visit on Monday 7 December. KTX to Gwangju, I will pick you up.\n\nJiho",
        files=(
            calendar("Garden visit Boseong", at("2026-12-07 10:00", 9), 240, KIM, (ME, TOM), "Boseong, Jeollanam-do"),
        ),
        flags="",
    )
    return [*talked, visit]


def _trains() -> list[Letter]:
    journeys = (
        ("2025-07-02", "Berlin", "07:36", "49.90", "H4821"),
        ("2025-09-23", "Bremen", "08:15", "31.00", "H5177"),
        ("2025-11-12", "Köln", "06:46", "67.50", "H5902"),
        ("2026-01-29", "Berlin", "07:36", "52.90", "H6410"),
        ("2026-04-16", "Paris", "06:22", "119.00", "H7033"),
        ("2026-06-18", "Leipzig", "09:06", "45.00", "H7456"),
        ("2026-08-27", "Berlin", "07:36", "52.90", "H8120"),
        ("2026-10-05", "Bremen", "08:15", "33.00", "H8544"),
    )
    made = []
    for day, city, leaves, price, number in journeys:
        ticket = pdf(
            f"ticket-{number}.pdf",
            [f"Hanse Rail ticket {number}", f"Hamburg - {city}, {day}, {leaves}", f"Price {price} EUR"],
        )
        made.append(
            Letter(
                at(f"{day} 18:00"),
                RAIL,
                (ME,),
                f"Your ticket {number}: Hamburg to {city}",
                f"Your train to {city} leaves Hamburg at {leaves}.\nTicket {number}, {price} EUR, paid by card ending 4471.\n\nHanse Rail",
                files=(ticket,),
                mailbox="Receipts",
            )
        )
    # Tickets are bought a week before the journey.
    return [replace(letter, at=letter.at.replace(hour=17) - _WEEK) for letter in made]
