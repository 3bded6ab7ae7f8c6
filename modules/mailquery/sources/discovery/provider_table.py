"""The known providers, after their help pages. No test can try them; where one changed, the login says so.

A provider that is found by its DNS or its own configuration file just as well needs no row: those here have something
else to be said (a password for one program, a switch, OAuth, no IMAP), or many users.
"""

from mailquery.domain.accounts import Security, Server
from mailquery.sources.discovery.providers import Provider, Providers, Username, imaps

GOOGLE, MICROSOFT = "google", "microsoft"

_GOOGLE_APP_PASSWORD = "https://myaccount.google.com/apppasswords (needs 2-Step Verification)"
_YAHOO_APP_PASSWORD = "https://login.yahoo.com/account/security (Generate app password)"
_NETEASE_SWITCH = "the web mail: Settings (设置), POP3/SMTP/IMAP; it shows the authorization code (授权码) once"
_GMX_SWITCH = "the web mail: E-Mail, Settings, POP3/IMAP"
_KAKAO_APP_PASSWORD = "https://accounts.kakao.com (계정 보안, 2단계 인증, 앱 비밀번호)"
_MAILRU_APP_PASSWORD = "https://account.mail.ru/user/2-step-auth/passwords"

_TABLE = (
    Provider(
        "Gmail",
        imaps("imap.gmail.com"),
        ("gmail.com", "googlemail.com"),
        app_password=_GOOGLE_APP_PASSWORD,
        app_password_needed=True,
        oauth=GOOGLE,
    ),
    Provider(
        "Google Workspace",
        imaps("imap.gmail.com"),
        mx=("google.com", "googlemail.com"),
        app_password=_GOOGLE_APP_PASSWORD,
        app_password_needed=True,
        imap_switch="the administrator's console: Apps, Google Workspace, Gmail, End User Access",
        oauth=GOOGLE,
    ),
    Provider(
        "Outlook.com",
        imaps("outlook.office365.com"),
        (
            *(f"outlook.{end}" for end in ("com", "at", "be", "cl", "co.id", "co.th", "com.ar", "com.au", "com.br")),
            *(f"outlook.{end}" for end in ("com.gr", "com.tr", "com.vn", "cz", "de", "dk", "es", "fr", "hu", "ie")),
            *(f"outlook.{end}" for end in ("in", "it", "jp", "kr", "lv", "my", "ph", "pt", "sa", "sg", "sk")),
            *(f"hotmail.{end}" for end in ("com", "be", "ca", "cl", "co.jp", "co.kr", "co.th", "co.uk", "com.ar")),
            *(f"hotmail.{end}" for end in ("com.br", "com.tr", "de", "dk", "es", "fi", "fr", "gr", "it", "nl", "no")),
            *(f"hotmail.{end}" for end in ("se", "sg")),
            *(f"live.{end}" for end in ("com", "at", "be", "ca", "cl", "cn", "co.uk", "co.kr", "com.ar", "com.au")),
            *(f"live.{end}" for end in ("com.mx", "com.my", "com.pt", "de", "dk", "fr", "hk", "ie", "in", "it", "jp")),
            *(f"live.{end}" for end in ("nl", "no", "ru", "se")),
            "msn.com",
            "passport.com",
        ),
        mx=("olc.protection.outlook.com",),
        imap_switch="https://outlook.live.com: Settings, Mail, Forwarding and IMAP",
        oauth=MICROSOFT,
        password=False,
    ),
    Provider(
        "Microsoft 365",
        imaps("outlook.office365.com"),
        mx=("mail.protection.outlook.com", "mx.microsoft"),
        imap_switch="the administrator's Exchange admin center: Mailboxes, Manage email apps settings",
        oauth=MICROSOFT,
        password=False,
    ),
    Provider(
        "iCloud",
        imaps("imap.mail.me.com"),
        ("icloud.com", "me.com", "mac.com"),
        ("mail.icloud.com",),
        Username.LOCAL,
        app_password="https://account.apple.com (Sign-In and Security, App-Specific Passwords)",
        app_password_needed=True,
    ),
    Provider(
        "Yahoo",
        imaps("imap.mail.yahoo.com"),
        (
            *(f"yahoo.{end}" for end in ("com", "ca", "cn", "co.id", "co.in", "co.kr", "co.nz", "co.th", "co.uk")),
            *(f"yahoo.{end}" for end in ("co.za", "com.ar", "com.au", "com.br", "com.cn", "com.co", "com.hk")),
            *(f"yahoo.{end}" for end in ("com.mx", "com.my", "com.ph", "com.sg", "com.tr", "com.tw", "com.vn")),
            *(f"yahoo.{end}" for end in ("de", "dk", "es", "fr", "gr", "ie", "in", "it", "nl", "no", "pl", "ro", "se")),
            "ymail.com",
            "rocketmail.com",
            "myyahoo.com",
        ),
        ("yahoodns.net",),
        app_password=_YAHOO_APP_PASSWORD,
        app_password_needed=True,
    ),
    Provider(
        "Yahoo! Japan",
        imaps("imap.mail.yahoo.co.jp"),
        ("yahoo.co.jp", "ymail.ne.jp"),
        username=Username.LOCAL,
        imap_switch="the web mail: 設定・利用規約, IMAP/POP/SMTPアクセス",
    ),
    Provider(
        "AOL",
        imaps("imap.aol.com"),
        ("aol.com", "aim.com", "aol.co.uk", "aol.de", "aol.fr", "verizon.net", "netscape.net"),
        app_password="https://login.aol.com/account/security (Generate app password)",
        app_password_needed=True,
    ),
    Provider(
        "Fastmail",
        imaps("imap.fastmail.com"),
        ("fastmail.com", "fastmail.fm", "fastmail.net", "fastmail.org", "fastmail.de", "fastmail.jp", "sent.com"),
        ("messagingengine.com",),
        app_password="https://app.fastmail.com (Settings, Privacy & Security, App passwords)",
        app_password_needed=True,
    ),
    Provider(
        "GMX",
        imaps("imap.gmx.net"),
        ("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.eu", "gmx.li", "gmx.org"),
        imap_switch=_GMX_SWITCH,
        app_password="the web mail: My Account, Security, App-specific passwords",
    ),
    Provider(
        "GMX (international)",
        imaps("imap.gmx.com"),
        ("gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es"),
        imap_switch=_GMX_SWITCH,
        app_password="the web mail: My Account, Security, App-specific passwords",
    ),
    Provider(
        "WEB.DE",
        imaps("imap.web.de"),
        ("web.de", "email.de"),
        imap_switch="the web mail: Einstellungen, POP3/IMAP Abruf",
        app_password="the web mail: Mein Account, Sicherheit, Anwendungsspezifische Passwörter",
    ),
    Provider(
        "T-Online",
        imaps("secureimap.t-online.de"),
        ("t-online.de", "magenta.de"),
        app_password="https://account.idm.telekom.com (Passwort für E-Mail-Programme)",
        app_password_needed=True,
    ),
    Provider(
        "Naver",
        imaps("imap.naver.com"),
        ("naver.com",),
        username=Username.LOCAL,
        imap_switch="https://mail.naver.com (환경설정, POP3/IMAP 설정, IMAP/SMTP 사용함)",
        app_password="https://nid.naver.com (보안설정, 2단계 인증, 애플리케이션 비밀번호)",
    ),
    Provider(
        "NAVER WORKS",
        imaps("imap.worksmobile.com"),
        mx=("worksmobile.com",),
        imap_switch="the web mail: 환경설정, POP3/IMAP (where the administrator allows it)",
        app_password="the web mail: 환경설정, 외부 앱 비밀번호",
        app_password_needed=True,
    ),
    Provider(
        "Daum",
        imaps("imap.daum.net"),
        ("daum.net", "hanmail.net"),
        username=Username.LOCAL,
        imap_switch="https://mail.daum.net (환경설정, IMAP/POP3)",
        app_password=_KAKAO_APP_PASSWORD,
        app_password_needed=True,
    ),
    Provider(
        "Kakao",
        imaps("imap.kakao.com"),
        ("kakao.com",),
        username=Username.LOCAL,
        imap_switch="https://mail.kakao.com (설정, IMAP/POP3)",
        app_password=_KAKAO_APP_PASSWORD,
        app_password_needed=True,
    ),
    Provider(
        "Nate",
        imaps("imap.nate.com"),
        ("nate.com", "empas.com"),
        imap_switch="https://mail.nate.com (환경설정, POP3/IMAP)",
    ),
    Provider(
        "QQ",
        imaps("imap.qq.com"),
        ("qq.com", "vip.qq.com", "foxmail.com"),
        imap_switch="https://mail.qq.com (设置, 账号, POP3/IMAP/SMTP)",
        app_password="https://mail.qq.com (设置, 账号: 授权码)",
        app_password_needed=True,
    ),
    Provider(
        "Tencent Exmail",
        imaps("imap.exmail.qq.com"),
        mx=("mxbiz1.qq.com", "mxbiz2.qq.com"),
        app_password="https://exmail.qq.com (设置, 邮箱绑定, 客户端专用密码)",
    ),
    *(
        Provider(
            name,
            imaps(host),
            domains,
            imap_switch=_NETEASE_SWITCH,
            app_password=_NETEASE_SWITCH,
            app_password_needed=True,
        )
        for name, host, domains in (
            ("163", "imap.163.com", ("163.com",)),
            ("126", "imap.126.com", ("126.com",)),
            ("Yeah", "imap.yeah.net", ("yeah.net",)),
        )
    ),
    Provider(
        "Sina", imaps("imap.sina.com"), ("sina.com", "sina.cn"), imap_switch="the web mail: 设置, 客户端pop/imap/smtp"
    ),
    Provider("Aliyun", imaps("imap.aliyun.com"), ("aliyun.com",)),
    Provider(
        "Yandex",
        imaps("imap.yandex.com"),
        ("yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "yandex.com.tr", "ya.ru", "narod.ru"),
        ("mx.yandex.net", "mx.yandex.ru"),
        imap_switch="https://mail.yandex.com (Settings, Email clients)",
        app_password="https://id.yandex.com/security/app-passwords",
        app_password_needed=True,
    ),
    Provider(
        "Mail.ru",
        imaps("imap.mail.ru"),
        ("mail.ru", "inbox.ru", "bk.ru", "list.ru", "internet.ru", "xmail.ru"),
        ("emx.mail.ru",),
        app_password=_MAILRU_APP_PASSWORD,
        app_password_needed=True,
    ),
    Provider(
        "Rambler",
        imaps("imap.rambler.ru"),
        ("rambler.ru", "lenta.ru", "ro.ru"),
        imap_switch="the web mail: Settings, Programs",
    ),
    *(
        Provider(
            f"Zoho ({end})" if end != "com" else "Zoho",
            imaps(f"imappro.zoho.{end}"),
            mx=(f"zoho.{end}",),
            imap_switch=f"https://mail.zoho.{end} (Settings, Mail Accounts, IMAP)",
            app_password=f"https://accounts.zoho.{end} (Security, App Passwords)",
        )
        for end in ("com", "eu", "in", "com.au", "jp")
    ),
    Provider(
        "Zoho (personal)",
        imaps("imap.zoho.com"),
        ("zoho.com", "zohomail.com"),
        imap_switch="https://mail.zoho.com (Settings, Mail Accounts, IMAP)",
        app_password="https://accounts.zoho.com (Security, App Passwords)",
    ),
    Provider(
        "Proton Mail",
        Server("127.0.0.1", 1143, Security.STARTTLS),
        ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        ("protonmail.ch",),
        app_password="Proton Mail Bridge (the account's mailbox details)",
        app_password_needed=True,
        note="Proton's mail is read through Proton Mail Bridge, which must run on this machine. Its certificate is its "
        "own: pin the fingerprint that the error shows.",
    ),
    Provider(
        "Tuta",
        None,
        ("tutanota.com", "tutanota.de", "tutamail.com", "tuta.com", "tuta.io", "keemail.me"),
        ("mail.tutanota.de",),
        note="Tuta has no IMAP. Export the mail with its desktop program as .eml files, and import those.",
    ),
    Provider("mailbox.org", imaps("imap.mailbox.org"), ("mailbox.org",), ("mailbox.org",)),
    Provider("Posteo", imaps("posteo.de"), ("posteo.de", "posteo.net", "posteo.eu"), ("posteo.de",)),
    Provider("Migadu", imaps("imap.migadu.com"), mx=("migadu.com",)),
    Provider("Runbox", imaps("mail.runbox.com"), ("runbox.com",), ("runbox.com",)),
    Provider("Infomaniak", imaps("mail.infomaniak.com"), ("ik.me",), ("infomaniak.ch", "infomaniak.com")),
    Provider("Gandi", imaps("mail.gandi.net"), mx=("mail.gandi.net",)),
    Provider("IONOS", imaps("imap.ionos.de"), ("online.de",), ("kundenserver.de", "ionos.de")),
    Provider("IONOS (international)", imaps("imap.ionos.com"), mx=("ionos.com", "perfora.net")),
    Provider("Strato", imaps("imap.strato.de"), mx=("rzone.de",)),
    Provider("Hostinger", imaps("imap.hostinger.com"), mx=("hostinger.com", "titan.email")),
    Provider("Namecheap", imaps("mail.privateemail.com"), mx=("privateemail.com",)),
    Provider("Rackspace", imaps("secure.emailsrvr.com"), mx=("emailsrvr.com",)),
    Provider("Seznam", imaps("imap.seznam.cz"), ("seznam.cz", "email.cz", "post.cz"), ("seznam.cz",)),
    Provider("WP", imaps("imap.wp.pl"), ("wp.pl",), imap_switch="the web mail: Ustawienia, Programy pocztowe"),
    Provider("Onet", imaps("imap.poczta.onet.pl"), ("onet.pl", "op.pl", "vp.pl", "onet.eu")),
    Provider("Libero", imaps("imapmail.libero.it"), ("libero.it", "inwind.it", "iol.it", "blu.it")),
    Provider("Orange", imaps("imap.orange.fr"), ("orange.fr", "wanadoo.fr")),
    Provider("Free", imaps("imap.free.fr"), ("free.fr",), username=Username.LOCAL),
    Provider("La Poste", imaps("imap.laposte.net"), ("laposte.net",)),
    Provider("SFR", imaps("imap.sfr.fr"), ("sfr.fr", "neuf.fr")),
    Provider(
        "Xfinity",
        imaps("imap.comcast.net"),
        ("comcast.net",),
        imap_switch="the web mail: Settings, Security, Third Party Access",
    ),
    Provider(
        "AT&T",
        imaps("imap.mail.att.net"),
        ("att.net", "sbcglobal.net", "bellsouth.net", "pacbell.net", "ameritech.net"),
        app_password="https://www.att.com/myatt (Sign-in info, Secure mail key)",
        app_password_needed=True,
    ),
    Provider("UOL", imaps("imap.uol.com.br"), ("uol.com.br", "bol.com.br")),
)

KNOWN = Providers(_TABLE)
