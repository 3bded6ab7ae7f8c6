"""The people of the sample mailbox: Robin Park, who imports tea from Asia to Hamburg, a family and a few companies.

All of them are invented; their addresses lie under .example (RFC 2606), which no one can own.
"""

from mailquery.sample.letters import Person

ME = Person("Robin Park", "robin@parktea.example")
TOM = Person("Tom Brandt", "tom@parktea.example")
AYSE = Person("Ayşe Demir", "ayse@parktea.example")

JONAS = Person("Jonas Weber", "jonas.weber@post.example", language="de")
MINA = Person("Mina Weber-Park", "mina@post.example")
MOTHER = Person("박순자", "soonja.park@hanmail.example", 9, "ko")

KIM = Person("Kim Jiho", "jiho.kim@boseong-tea.example", 9)
KIM_OFFICE = Person("김지호", "jiho.kim@boseong-tea.example", 9, "ko")
TANAKA = Person("田中 遥", "tanaka@shizuoka-cha.example", 9, "ja")
CHEN = Person("陈伟", "chenwei@fuding-baicha.example", 8, "zh")
SOMCHAI = Person("สมชาย ใจดี", "somchai@doi-tea.example", 7, "th")
LEFEVRE = Person("Hélène Lefèvre", "helene@maison-lefevre.example", 1, "fr")
SCHROEDER = Person("Sabine Schröder", "schroeder@kanzlei-schroeder.example", 1, "de")

AIRLINE = Person("Nordwind Airlines", "booking@nordwind-air.example", 0)
HOTEL = Person("Hotel Namsan", "stay@hotel-namsan.example", 9)
LOGISTICS = Person("Nordlicht Logistik GmbH", "rechnung@nordlicht-logistik.example", 1, "de")
WAREHOUSE = Person("Speicherhof Hamburg", "buchhaltung@speicherhof.example", 1, "de")
HOSTING = Person("Cloudberry Hosting", "billing@cloudberry.example", 0)
POWER = Person("Elbstrom", "service@elbstrom.example", 1, "de")
BANK = Person("Hansebank", "mitteilung@hansebank.example", 1, "de")
SHOP = Person("Park Tea Web Shop", "orders@shop.parktea.example", 1)
PARCEL = Person("Kurier Nord", "tracking@kurier-nord.example", 1)
SCHOOL = Person("Gymnasium Altona", "sekretariat@gym-altona.example", 1, "de")
LEAF_LETTER = Person("The Leaf Letter", "editor@leafletter.example", 0)
RAIL = Person("Hanse Rail", "tickets@hanse-rail.example", 1)
BOOKS = Person("Corner Books", "receipts@corner-books.example", 0)
