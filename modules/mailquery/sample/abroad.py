"""Robin's trade abroad, each in its own language and charset: the gardens in Asia, a customer in France."""

# ruff: noqa: E501 - letters and tables of them read best unbroken

from mailquery.sample.files import pdf
from mailquery.sample.letters import Letter, at, talk
from mailquery.sample.world import (
    CHEN,
    KIM_OFFICE,
    LEFEVRE,
    ME,
    SOMCHAI,
    TANAKA,
)


def letters() -> list[Letter]:
    return [*_korea(), *_japan(), *_china(), *_thailand(), *_france()]


def _korea() -> list[Letter]:
    first = talk(
        "5월 1차 출고 안내",
        (
            "2026-05-08 15:30",
            KIM_OFFICE,
            "박 대표님,\n\n우전 200kg을 5월 12일 인천공항에서 출고합니다. 운송장 번호는 180-4471-2205입니다.\n상자마다 생산 이력표를 넣었습니다. 도착하면 수분 상태를 꼭 확인해 주세요.\n\n김지호 드림",
        ),
        (
            "2026-05-14 16:12",
            ME,
            "김 대표님,\n\n오늘 오전에 도착했습니다. 수분은 4.1%로 아주 좋습니다. 다음 회의 때 시음 결과를 말씀드리겠습니다.\n\n박로빈",
        ),
        me=ME,
        charset="euc-kr",
    )
    second = talk(
        "세작 견적서와 하반기 예산안",
        (
            "2026-06-02 11:00",
            KIM_OFFICE,
            "박 대표님,\n\n세작 200kg 견적서를 보내드립니다. 6월 19일에 출고할 수 있습니다.\n하반기 예산안을 세우실 때 포장재 가격이 4% 오른 점을 고려해 주세요.\n\n김지호 드림",
        ),
        (
            "2026-06-02 18:45",
            ME,
            "감사합니다. 견적서는 확인했습니다. 포장재는 저희가 함부르크에서 준비하겠습니다.\n\n박로빈",
        ),
        (
            "2026-06-19 13:20",
            KIM_OFFICE,
            "오늘 2차분 200kg을 출고했습니다. 잔금은 도착 후 30일 이내에 부탁드립니다.\n\n김지호 드림",
        ),
        me=ME,
    )
    autumn = talk(
        "12월 방문 일정",
        (
            "2026-09-16 10:30",
            KIM_OFFICE,
            "박 대표님,\n\n12월에 서울에 오신다고 들었습니다. 7일 월요일에 보성에서 회의를 하고 다원을 둘러보시면 어떨까요?\n숙소는 저희가 준비하겠습니다.\n\n김지호 드림",
        ),
        (
            "2026-09-16 20:02",
            ME,
            "네, 12월 7일이 좋습니다. 숙소는 서울에 예약했으니 걱정하지 마세요. 톰도 함께 갑니다.\n\n박로빈",
        ),
        me=ME,
    )
    return [*first, *second, *autumn]


def _japan() -> list[Letter]:
    offer = talk(
        "新茶のお見積り",
        (
            "2026-04-20 09:40",
            TANAKA,
            "パーク様\n\nいつもお世話になっております。静岡茶園の田中です。\n今年の新茶の見積書をお送りします。煎茶は1キロ52ユーロ、玉露は1キロ110ユーロです。\n会議は来週の火曜日でよろしいでしょうか。\n\n田中 遥",
        ),
        (
            "2026-04-20 12:15",
            ME,
            "田中様\n\n見積書をありがとうございます。火曜日の会議で大丈夫です。玉露のサンプルを100グラムお願いします。\n\nロビン・パーク",
        ),
        (
            "2026-04-22 08:55",
            TANAKA,
            "パーク様\n\n玉露のサンプルを本日発送いたしました。会議の資料は月曜日までにお送りします。\n\n田中 遥",
        ),
        me=ME,
        charset="iso-2022-jp",
    )
    delayed = talk(
        "サーバー障害による出荷の遅れ",
        (
            "2026-07-06 10:10",
            TANAKA,
            "パーク様\n\n受注システムのサーバーが停止し、出荷が三日遅れます。ご迷惑をおかけして申し訳ございません。\n\n田中 遥",
        ),
        (
            "2026-07-06 09:20",
            ME,
            "田中様\n\nご連絡ありがとうございます。三日でしたら問題ありません。請求書は予定どおりお送りください。\n\nロビン・パーク",
        ),
        me=ME,
    )
    bill = Letter(
        at("2026-07-15 11:30", 9),
        TANAKA,
        (ME,),
        "請求書 2026-07 煎茶60キロ",
        "パーク様\n\n煎茶60キロの請求書(3,120ユーロ)を添付いたします。お支払期限は8月14日です。\n\n田中 遥",
        files=(
            pdf(
                "invoice-2026-07-shizuoka.pdf",
                ["Shizuoka Cha - Invoice 2026-07", "Sencha 60 kg x 52.00 EUR = 3,120.00 EUR", "Due 14 August 2026"],
            ),
        ),
        flags="RS",
    )
    paid = Letter(
        at("2026-08-03 10:05"),
        ME,
        (TANAKA,),
        "Re: 請求書 2026-07 煎茶60キロ",
        "田中様\n\n本日3,120ユーロをお支払いしました。ご確認ください。\n\nロビン・パーク",
        answers=bill,
        mailbox="Sent",
    )
    return [*offer, *delayed, bill, paid]


def _china() -> list[Letter]:
    contract = talk(
        "白牡丹合同和增值税发票",
        (
            "2026-02-25 09:15",
            CHEN,
            "朴女士：\n\n您好！白牡丹80公斤的合同已经准备好，请查收。价格是每公斤29欧元，含包装。\n增值税发票会在发货当天寄出。\n\n陈伟",
        ),
        ("2026-02-25 11:50", ME, "陈先生：\n\n合同没有问题，我今天签字寄回。请在三月底之前发货。\n\n朴罗宾"),
        (
            "2026-03-27 16:30",
            CHEN,
            "朴女士：\n\n货物今天从厦门港发出，发票随货寄出。下次会议我们可以谈谈秋茶。\n\n陈伟",
        ),
        me=ME,
        charset="gb2312",
    )
    autumn = talk(
        "秋茶样品",
        ("2026-10-12 14:20", CHEN, "朴女士：\n\n秋天的寿眉样品已经寄出，一共三种。请告诉我您的评价。\n\n陈伟"),
        ("2026-10-26 15:05", ME, "陈先生：\n\n样品收到了。第二种的香气最好，我们想订50公斤。请寄一份报价。\n\n朴罗宾"),
        me=ME,
    )
    return [*contract, *autumn]


def _thailand() -> list[Letter]:
    meeting = talk(
        "นัดประชุมเรื่องชาอู่หลง",
        (
            "2026-01-19 13:00",
            SOMCHAI,
            "เรียนคุณโรบิน\n\nขอนัดประชุมเรื่องชาอู่หลงวันที่ 27 มกราคม เวลา 15.00 น. ตามเวลาเชียงราย\nราคาใหม่คือกิโลกรัมละ 24 ยูโร\n\nสมชาย",
        ),
        ("2026-01-19 10:30", ME, "เรียนคุณสมชาย\n\nตกลงค่ะ พบกันในที่ประชุมวันที่ 27 มกราคม\n\nโรบิน"),
        me=ME,
        charset="tis-620",
    )
    bill = talk(
        "ใบแจ้งหนี้ชาอู่หลง 40 กิโลกรัม",
        (
            "2026-02-16 11:45",
            SOMCHAI,
            "เรียนคุณโรบิน\n\nส่งใบแจ้งหนี้ชาอู่หลง 40 กิโลกรัม รวม 960 ยูโร กำหนดชำระภายใน 30 วัน\n\nสมชาย",
        ),
        ("2026-03-02 09:40", ME, "เรียนคุณสมชาย\n\nโอนเงิน 960 ยูโรแล้ววันนี้ ขอบคุณค่ะ\n\nโรบิน"),
        ("2026-03-03 10:15", SOMCHAI, "ได้รับเงินแล้ว ขอบคุณมากครับ\n\nสมชาย"),
        me=ME,
    )
    return [*meeting, *bill]


def _france() -> list[Letter]:
    orders = (
        ("2025-07-08", "de thé vert", "12 kg de Sejak", "648"),
        ("2025-10-06", "d'automne", "8 kg de Shou Mei et 4 kg d'Oolong", "412"),
        ("2025-12-01", "de Noël", "20 kg de mélange d'hiver", "780"),
        ("2026-03-17", "de printemps", "10 kg de Bai Mudan", "430"),
        ("2026-06-23", "d'été", "15 kg de Sencha", "1 170"),
        ("2026-09-29", "de rentrée", "18 kg de Sejak", "990"),
    )
    made: list[Letter] = []
    for day, season, goods, price in orders:
        made += talk(
            f"Commande {season}",
            (
                f"{day} 10:10",
                LEFEVRE,
                f"Chère Robin,\n\nnous aimerions commander {goods}. Pouvez-vous livrer à Paris dans les deux semaines ?\n\nBien à vous,\nHélène Lefèvre",
            ),
            (
                f"{day} 15:25",
                ME,
                f"Chère Hélène,\n\nvolontiers : {goods}, {price} euros hors taxes, livraison comprise. La facture suit.\n\nRobin",
            ),
            (
                f"{day} 17:50",
                LEFEVRE,
                "Parfait, merci ! Le thé de la dernière livraison était délicieux, nos clients en redemandent.\n\nHélène",
            ),
            me=ME,
            charset="iso-8859-1",
        )
    return made
