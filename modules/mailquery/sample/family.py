"""Family and friends: a mother in Seoul, a daughter who grows up, a school."""

# ruff: noqa: E501 - letters and tables of them read best unbroken

from mailquery.sample.files import text
from mailquery.sample.letters import Letter, at, talk
from mailquery.sample.world import JONAS, ME, MINA, MOTHER, SCHOOL


def letters() -> list[Letter]:
    return [*_mother(), *_mina(), *_jonas(), *_school()]


def _mother() -> list[Letter]:
    return [
        *talk(
            "여름 휴가",
            (
                "2025-07-20 09:30",
                MOTHER,
                "로빈아,\n\n올여름에는 언제 오니? 복숭아가 한창이다. 미나가 좋아하는 물회도 해 줄게.\n\n엄마가",
            ),
            ("2025-07-20 21:10", ME, "엄마, 올해는 8월에 못 가고 추석 때 갈게요. 미나가 할머니 보고 싶대요.\n\n로빈"),
            me=ME,
        ),
        *talk(
            "김장",
            (
                "2025-11-23 18:00",
                MOTHER,
                "오늘 이모랑 김장 서른 포기 했다. 허리는 아프지만 맛은 좋다. 택배로 조금 보낼까?\n\n엄마가",
            ),
            ("2025-11-23 13:25", ME, "엄마, 무리하지 마세요. 비행기로 오면 다 시어요. 12월에 먹으러 갈게요!\n\n로빈"),
            me=ME,
        ),
        *talk(
            "설날 인사",
            ("2026-02-17 08:10", MOTHER, "새해 복 많이 받아라. 미나 세뱃돈은 통장에 넣었다.\n\n엄마가"),
            ("2026-02-17 09:00", ME, "새해 복 많이 받으세요, 엄마. 미나가 고맙다고 뽀뽀 보낸대요.\n\n로빈"),
            me=ME,
        ),
        *talk(
            "병원 다녀왔다",
            (
                "2026-05-26 11:20",
                MOTHER,
                "어제 병원에 다녀왔다. 혈압은 괜찮단다. 의사 선생님이 녹차를 많이 마시라더라.\n\n엄마가",
            ),
            ("2026-05-26 12:45", ME, "다행이에요. 보성 우전을 한 통 보냈으니 그걸 드세요.\n\n로빈"),
            me=ME,
        ),
        *talk(
            "12월에 오면",
            ("2026-11-11 19:40", MOTHER, "4일 아침에 도착한다고? 아침은 집에서 먹자. 미역국 끓여 놓을게.\n\n엄마가"),
            ("2026-11-11 20:15", ME, "네, 공항에서 바로 갈게요. 12일 토요일에 돌아가요.\n\n로빈"),
            me=ME,
        ),
    ]


def _mina() -> list[Letter]:
    recipe = text(
        "pancakes.txt",
        "Scallion pancakes\n\n200 g flour, 240 ml water, 1 bunch of scallions, salt.\nRest the dough for 30 minutes.\n",
    )
    shared = Letter(
        at("2026-01-11 16:20"),
        MINA,
        (ME,),
        "grandma's pancakes",
        "mum, i typed it up so that we don't lose it again. it's attached\n\nm.",
        files=(recipe,),
        mailbox="Archive",
        flags="FS",
    )
    return [
        shared,
        *talk(
            "class trip",
            (
                "2026-05-05 15:10",
                MINA,
                "class trip to Copenhagen is 14 to 18 september, 320 euros. can i go?? please\n\nm.",
            ),
            ("2026-05-05 15:32", ME, "Of course. Papa pays half, and you read one book in Danish :-)\n\nMum"),
            ("2026-05-05 15:35", MINA, "deal!!"),
            me=ME,
        ),
        *talk(
            "concert on saturday",
            (
                "2026-10-13 14:00",
                MINA,
                "the choir concert is on saturday 17 october, 6 pm, st. trinitatis. you promised :)\n\nm.",
            ),
            ("2026-10-13 14:20", ME, "It has been in my calendar for weeks. Front row!\n\nMum"),
            me=ME,
        ),
    ]


def _jonas() -> list[Letter]:
    return [
        *talk(
            "Fahrrad",
            (
                "2025-08-19 12:30",
                JONAS,
                "Die Werkstatt sagt, das Fahrrad ist am Donnerstag fertig. 84 Euro. Holst du es ab?\n\nKuss, J.",
            ),
            ("2025-08-19 12:41", ME, "Mach ich auf dem Rückweg. Brot bringe ich auch mit."),
            me=ME,
        ),
        *talk(
            "Mietvertrag Lager",
            (
                "2026-03-23 20:15",
                JONAS,
                "Ich habe den Mietvertrag gelesen. Paragraf 7 gefällt mir nicht: drei Monate Kündigungsfrist nur für euch. Frag nach.\n\nJ.",
            ),
            ("2026-03-24 07:50", ME, "Danke! Ich frage nach und will sechs Monate für beide Seiten."),
            me=ME,
        ),
        *talk(
            "Geburtstag Oma Ilse",
            (
                "2026-09-02 18:00",
                JONAS,
                "Samstag 12. September, 15 Uhr, Kaffee im Garten. Du bringst Tee mit, ich backe.\n\nJ.",
            ),
            ("2026-09-02 18:22", ME, "Sencha oder Assam? Oma mag beides nicht, aber Assam weniger."),
            ("2026-09-02 18:30", JONAS, "Dann Kakao."),
            me=ME,
        ),
    ]


def _school() -> list[Letter]:
    topics = (
        (
            "2025-09-08",
            "Elternabend der 8b",
            "Der Elternabend der Klasse 8b findet am 18. September um 19 Uhr in Raum 204 statt.",
        ),
        (
            "2025-11-03",
            "Vorlesetag",
            "Am 21. November ist Vorlesetag. Wer möchte eine halbe Stunde vorlesen? Bitte melden Sie sich im Sekretariat.",
        ),
        (
            "2026-01-26",
            "Zeugnisse und Halbjahreswechsel",
            "Die Zeugnisse werden am 30. Januar in der dritten Stunde ausgegeben, danach ist Schulschluss.",
        ),
        (
            "2026-03-30",
            "Unterrichtsausfall am 2. April",
            "Wegen einer Fortbildung entfällt am 2. April der Unterricht ab der fünften Stunde.",
        ),
        ("2026-05-18", "Sommerfest", "Für das Sommerfest am 3. Juli suchen wir Kuchen, Tee und helfende Hände."),
        (
            "2026-09-07",
            "Klassenfahrt nach Kopenhagen",
            "Treffpunkt zur Klassenfahrt ist am 14. September um 7:15 Uhr am Bahnhof Altona, Gleis 9.",
        ),
        (
            "2026-11-02",
            "Praktikum im Februar",
            "Die Praktikumsbestätigungen für Februar müssen bis zum 11. Dezember vorliegen.",
        ),
    )
    return [
        Letter(
            at(f"{day} 13:00"),
            SCHOOL,
            (ME, JONAS),
            subject,
            f"Liebe Eltern,\n\n{sentence}\n\nMit freundlichen Grüßen\nSekretariat Gymnasium Altona",
            charset="iso-8859-1",
            mailbox="INBOX" if day > "2026-06" else "Archive",
        )
        for day, subject, sentence in topics
    ]
