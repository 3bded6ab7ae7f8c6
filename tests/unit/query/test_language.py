"""The search language as a table: what each query is read as, and where each wrong one is wrong.

Trees are written compactly: `&`, `|` and `!` before their parts, words as they are (`"x"` quoted, `x*` prefix,
`subject/x` in a field), other leaves as `from=x`, `is=read`, dates as UTC instants without what is zero at their end.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mailquery.domain.queries import (
    And,
    DateBetween,
    Everything,
    Has,
    InAccount,
    InMailbox,
    InThread,
    Is,
    Not,
    OfType,
    OnList,
    Or,
    Participant,
    Query,
    SizeBetween,
    TextField,
    WithMessageId,
    Words,
)
from mailquery.query.parser import parse
from mcpkit.errors import ErrorCode, Fault

SEOUL = ZoneInfo("Asia/Seoul")
FRIDAY = datetime(2024, 3, 15, 1, 30, 20, tzinfo=UTC)  # 10:30:20 in Seoul

TREES = [
    # words
    ("", "everything"),
    (" \t\n ", "everything"),
    ("budget", "budget"),
    ("  budget  ", "budget"),
    ("budget meeting", "(& budget meeting)"),
    ("budget\u3000meeting", "(& budget meeting)"),
    ("budget\nmeeting", "(& budget meeting)"),
    ("budget AND meeting", "(& budget meeting)"),
    ("a b AND c d", "(& a b c d)"),
    ("budget and meeting", "(& budget and meeting)"),
    ("budg*", "budg*"),
    ("budg＊", "budg*"),
    ("budg**", "budg*"),
    ("예산*", "예산*"),
    ("f*o", "f*o"),
    ("*foo", "*foo"),
    ("BUDGET", "BUDGET"),
    # ordinary text
    ("what's", "what's"),
    ("what’s", "what’s"),
    ("C++", "C++"),
    ("c#", "c#"),
    ("foo-bar", "foo-bar"),
    ("10:30", "10:30"),
    ("http://x.y/z", "http://x.y/z"),
    ("https://x.y/z?a=b&c=d#e", "https://x.y/z?a=b&c=d#e"),
    ("form://x", "form://x"),
    ("mailto:ana@acme.io", "mailto:ana@acme.io"),
    ("a/b", "a/b"),
    ("#123", "#123"),
    ("$2,400.00", "$2,400.00"),
    ("+82-10-1234-5678", "+82-10-1234-5678"),
    ("50%", "50%"),
    ("ana@acme.io", "ana@acme.io"),
    ("re: hello", "(& re: hello)"),
    ("Re:hello", "Re:hello"),
    ("zero:sum", "zero:sum"),
    ("C:\\dir", "C:\\dir"),
    ("form: ana", "(& form: ana)"),
    ("(form:)", "form:"),
    ("제목:회의", "제목:회의"),
    ("--verbose", "--verbose"),
    ("a - b", "(& a b)"),
    ("a -- b", "(& a b)"),
    ("a & b", "(& a b)"),
    ("a || b", "(& a b)"),
    ("a -> b", "(& a b)"),
    ("🎉 party", "party"),
    ("party🎉", "party🎉"),
    ("main()", "main()"),
    ("don't (won't)", "(& don't won't)"),
    ("[PATCH]", "[PATCH]"),
    ("<tag>", "<tag>"),
    ("x=y", "x=y"),
    ("not or and", "(& not or and)"),
    ("NOTE", "NOTE"),
    ("ORacle", "ORacle"),
    ("a\x00b", "(& a b)"),
    ("\ufefffrom:ana", "from=ana"),
    ("a\ud800", "a\ufffd"),
    ("5' 6'", "(& 5' 6')"),
    ("'budget report'", "(& 'budget report')"),
    ("the boys' room", "(& the boys' room)"),
    ('5" disk', '(& 5" disk)'),
    ('a 3.5" disk, 5" "b c"', '(& a 3.5" disk, 5" "b c")'),
    ("5'11\"", "5'11\""),
    ('7"x5" photo', '(& 7"x5" photo)'),
    ('(a 5")', '(& a 5")'),
    ('subject:5" disk', '(& subject/5" disk)'),
    ('5"b c"', '(& 5 "b c")'),
    ('a5"b', 'a5"b'),
    ('a " b', "(& a b)"),
    ('a "', "a"),
    ("thanks :)", "thanks"),
    ("sad :-( today ;-)", "(& sad today)"),
    ("thanks:) bo", "(& thanks:) bo)"),
    ("(thanks :) bo", "(& thanks bo)"),
    ("1) milk 2) eggs", "(& 1) milk 2) eggs)"),
    ("bbc:news", "bbc:news"),
    ("site:acme.io", "site:acme.io"),
    ("test:one", "test:one"),
    ("Betreff: Angebot", "(& Betreff: Angebot)"),
    ("»a", "»a"),
    ("« a", "a"),
    ("「a", "a"),
    ("what?", "what?"),
    ("안녕하세요", "안녕하세요"),
    ("หนังสือ", "หนังสือ"),
    # quotations
    ('"two words"', '"two words"'),
    ('"two words"*', '"two words"*'),
    ('a"b c"d', '(& a "b c" d)'),
    ('"OR"', '"OR"'),
    ('"from:ana"', '"from:ana"'),
    ('"-x"', '"-x"'),
    ('"(a)"', '"(a)"'),
    (r'"say \"hi\""', '"say "hi""'),
    (r'"a\\b"', '"a\\b"'),
    (r'"a\b"', '"a\\b"'),
    ("“two words”", '"two words"'),
    ("„zwei Wörter“", '"zwei Wörter"'),
    ("”två ord”", '"två ord"'),
    ("＂a b＂", '"a b"'),
    ("「二 つ」", '"二 つ"'),
    ("『二 つ』", '"二 つ"'),
    ("私は「猫」です", '(& 私は "猫" です)'),
    ("« deux mots »", '" deux mots "'),
    ('"" a', "a"),
    # operators and their precedence
    ("a OR b", "(| a b)"),
    ("a OR b OR c", "(| a b c)"),
    ("a b OR c d", "(| (& a b) (& c d))"),
    ("a AND b OR c AND d", "(| (& a b) (& c d))"),
    ("a OR b c", "(| a (& b c))"),
    ("(a OR b) c", "(& (| a b) c)"),
    ("((a))", "a"),
    ("( a )", "a"),
    ("(a b) c", "(& a b c)"),
    ("(a OR b) OR c", "(| a b c)"),
    ("a (b (c OR d))", "(& a b (| c d))"),
    ("（a OR b） c", "(& (| a b) c)"),
    ("{a b}", "(| a b)"),
    ("{a}", "a"),
    ("{a OR b c}", "(| a b c)"),
    ("{a b AND c}", "(| a (& b c))"),
    ("{a (b c)}", "(| a (& b c))"),
    ("{a -b}", "(| a (! b))"),
    ("{a b} {c d}", "(& (| a b) (| c d))"),
    ("{a {b c}}", "(| a b c)"),
    ("｛a b｝", "(| a b)"),
    ("{from:a to:b}", "(| from=a to=b)"),
    ("-x", "(! x)"),
    ("－x", "(! x)"),
    ("−x", "(! x)"),
    ("NOT x", "(! x)"),
    ("NOT NOT x", "(! (! x))"),
    ("NOT -x", "(! (! x))"),
    ("-5", "(! 5)"),
    ('-"a b"', '(! "a b")'),
    ("-(a b)", "(! (& a b))"),
    ("-(a OR b)", "(! (| a b))"),
    ("-{a b}", "(! (| a b))"),
    ("-a*", "(! a*)"),
    ("-from:x", "(! from=x)"),
    ("-from:(a OR b)", "(! (| from=a from=b))"),
    ("a -b", "(& a (! b))"),
    ("NOT a b", "(& (! a) b)"),
    ("NOT a OR b", "(| (! a) b)"),
    ("a AND NOT b", "(& a (! b))"),
    ("a OR NOT b", "(| a (! b))"),
    ("a OR --", "a"),
    ("a (--)", "a"),
    ("a NOT --", "a"),
    ("-> a", "a"),
    # people
    ("from:ana", "from=ana"),
    ("From:ana", "from=ana"),
    ("FROM:Ana", "from=Ana"),
    ("sender:ana", "from=ana"),
    ("from：ana", "from=ana"),
    ("from:@acme.io", "from=@acme.io"),
    ("from:ana@acme.io", "from=ana@acme.io"),
    ("from:*@acme.io", "from=@acme.io"),
    ("from:ana*", "from=ana"),
    ('from:"Ana Souza"', "from=Ana Souza"),
    ('from:"Ana Souza <ana@acme.io>"', "from=ana@acme.io"),
    ("from:<ana@acme.io>", "from=ana@acme.io"),
    ("from: ana", "from=ana"),
    ('from: "Ana Souza"', "from=Ana Souza"),
    ("from:(ana OR bo)", "(| from=ana from=bo)"),
    ("from:{ana bo}", "(| from=ana from=bo)"),
    ("from:(ana souza)", "(& from=ana from=souza)"),
    ("from:(ana -bo)", "(& from=ana (! from=bo))"),
    ("from:(ana OR (bo -cy))", "(| from=ana (& from=bo (! from=cy)))"),
    ('from:("Ana Souza" OR bo)', "(| from=Ana Souza from=bo)"),
    ("from:(ana, bo)", "(& from=ana from=bo)"),
    ('from:"me"', "from=me"),
    ("from:OR", "from=OR"),
    ("from:-x", "from=-x"),
    ("from:re:x", "from=re:x"),
    ("from:ana from:bo", "(& from=ana from=bo)"),
    ("from:ana OR to:ana", "(| from=ana to=ana)"),
    ("from:김민수", "from=김민수"),
    ("to:bo", "to=bo"),
    ("cc:bo", "cc=bo"),
    ("bcc:bo", "bcc=bo"),
    ("with:ana", "with=ana"),
    ("participant:ana", "with=ana"),
    # words of a field
    ("subject:hello", "subject/hello"),
    ("title:hello", "subject/hello"),
    ('subject:"two words"', 'subject/"two words"'),
    ("subject:“two words”", 'subject/"two words"'),
    ("subject:hel*", "subject/hel*"),
    ("subject:(a b)", "(& subject/a subject/b)"),
    ("subject:(a b) c", "(& subject/a subject/b c)"),
    ("subject:a b", "(& subject/a b)"),
    ("subject:re:hello", "subject/re:hello"),
    ("subject:(a OR b*)", "(| subject/a subject/b*)"),
    ("body:deposit", "body/deposit"),
    ("text:deposit", "body/deposit"),
    ("filename:invoice*", "filename/invoice*"),
    ("filename:*.pdf", "filename/*.pdf"),
    ("filename:invoice.pdf", "filename/invoice.pdf"),
    ("attachment:invoice", "attachment/invoice"),
    ('attachment:(a OR "b c")', '(| attachment/a attachment/"b c")'),
    ("file:invoice", "filename/invoice"),
    # where
    ("in:inbox", "in=inbox"),
    ("in:INBOX", "in=INBOX"),
    ("label:work", "in=work"),
    ("mailbox:Archive/2024", "in=Archive/2024"),
    ("folder:x", "in=x"),
    ('in:"My Mail"', "in=My Mail"),
    ("in:(a OR b)", "(| in=a in=b)"),
    ("in:anywhere", "everything"),
    ("in:all", "everything"),
    ("in:anywhere a", "a"),
    ("-in:anywhere", "(! everything)"),
    ("in:draft", "in=drafts"),
    ("in:spam", "(| in=spam in=junk)"),
    ('in:"spam"', "in=spam"),
    ("-in:spam a", "(& (! (| in=spam in=junk)) a)"),
    ("in:bin", "(| in=bin in=trash)"),
    ("in:starred", "is=starred"),
    ("category:promotions", "in=Category promotions"),
    ("account:work", "account=work"),
    ("list:dev.acme.io", "list=dev.acme.io"),
    ("list:<dev.acme.io>", "list=dev.acme.io"),
    ("listid:dev", "list=dev"),
    ("thread:t4hq0v7d2k8xn", "thread=t4hq0v7d2k8xn"),
    ("thread:M4HQ0V7D2K8XN", "thread=m4hq0v7d2k8xn"),
    ("msgid:abc@mail.acme.io", "msgid=abc@mail.acme.io"),
    ("msgid:<a:b@mail.acme.io>", "msgid=a:b@mail.acme.io"),
    ("rfc822msgid:abc@x", "msgid=abc@x"),
    ("message-id:<abc@x>", "msgid=abc@x"),
    # what
    ("has:attachment", "has=attachment"),
    ("has:attachments", "has=attachment"),
    ("has:link", "has=link"),
    ("has:calendar", "has=calendar"),
    ("has:invite", "has=calendar"),
    ("has:image", "has=image"),
    ("has:photos", "has=image"),
    ("has:document", "has=document"),
    ("has:pdf", "type=pdf"),
    ("has:(image OR link)", "(| has=image has=link)"),
    ("is:unread", "is=unread"),
    ("is:UNREAD", "is=unread"),
    ("is:unseen", "is=unread"),
    ("is:read", "is=read"),
    ("is:seen", "is=read"),
    ("is:starred", "is=starred"),
    ("is:flagged", "is=starred"),
    ("is:answered", "is=answered"),
    ("is:replied", "is=answered"),
    ("is:unanswered", "(! is=answered)"),
    ("is:draft", "is=draft"),
    ("is:sent", "is=sent"),
    ("is:reply", "is=reply"),
    ("is:important", "in=important"),
    ("-is:read", "(! is=read)"),
    ("is:(unread OR starred)", "(| is=unread is=starred)"),
    ("type:pdf", "type=pdf"),
    ("type:PDF", "type=pdf"),
    ("type:images", "type=image"),
    ("type:excel", "type=spreadsheet"),
    ("type:xlsx", "type=spreadsheet"),
    ("type:.docx", "type=document"),
    ("type:text/calendar", "type=text/calendar"),
    ("type:image/*", "type=image"),
    ("filetype:pdf", "type=pdf"),
    ("larger:500", "size>=500"),
    ("larger:10K", "size>=10240"),
    ("larger:10kb", "size>=10240"),
    ("larger:10KiB", "size>=10240"),
    ("larger:5M", "size>=5242880"),
    ("larger:1.5MB", "size>=1572864"),
    ('larger:"2 GB"', "size>=2147483648"),
    ("larger:0", "size>=0"),
    ("size:500b", "size>=500"),
    ("smaller:1M", "size<1048576"),
    ("larger:1K smaller:2K", "(& size>=1024 size<2048)"),
    # when: Seoul is nine hours ahead of UTC
    ("after:2024", "from 2023-12-31T15"),
    ("after:2024-03", "from 2024-02-29T15"),
    ("after:2024-03-15", "from 2024-03-14T15"),
    ("after:2024/03/15", "from 2024-03-14T15"),
    ("after:2024/3/5", "from 2024-03-04T15"),
    ("after:2024.03.05", "from 2024-03-04T15"),
    ("after:２０２４", "from 2023-12-31T15"),
    ("since:2024", "from 2023-12-31T15"),
    ("newer:2024/03/15", "from 2024-03-14T15"),
    ("before:2024", "to 2023-12-31T15"),
    ("older:2024-03-15", "to 2024-03-14T15"),
    ("until:2024-03", "to 2024-03-31T15"),
    ("until:2024", "to 2024-12-31T15"),
    ("on:2024", "from 2023-12-31T15 to 2024-12-31T15"),
    ("on:2024-03", "from 2024-02-29T15 to 2024-03-31T15"),
    ("on:2024-12", "from 2024-11-30T15 to 2024-12-31T15"),
    ("on:2024-02-29", "from 2024-02-28T15 to 2024-02-29T15"),
    ("date:2024-02-29", "from 2024-02-28T15 to 2024-02-29T15"),
    ("on:2024-W11", "from 2024-03-10T15 to 2024-03-17T15"),
    ("on:today", "from 2024-03-14T15 to 2024-03-15T15"),
    ("on:Today", "from 2024-03-14T15 to 2024-03-15T15"),
    ("on:yesterday", "from 2024-03-13T15 to 2024-03-14T15"),
    ("on:friday", "from 2024-03-14T15 to 2024-03-15T15"),
    ("on:saturday", "from 2024-03-08T15 to 2024-03-09T15"),
    ("on:monday", "from 2024-03-10T15 to 2024-03-11T15"),
    ('on:"last friday"', "from 2024-03-07T15 to 2024-03-08T15"),
    ('on:"this week"', "from 2024-03-10T15 to 2024-03-17T15"),
    ('on:"last week"', "from 2024-03-03T15 to 2024-03-10T15"),
    ("on:last-week", "from 2024-03-03T15 to 2024-03-10T15"),
    ("on:last_week", "from 2024-03-03T15 to 2024-03-10T15"),
    ('during:"Last  Month"', "from 2024-01-31T15 to 2024-02-29T15"),
    ('on:"this month"', "from 2024-02-29T15 to 2024-03-31T15"),
    ('on:"this year"', "from 2023-12-31T15 to 2024-12-31T15"),
    ('on:"last year"', "from 2022-12-31T15 to 2023-12-31T15"),
    ("after:7d", "from 2024-03-07T15"),
    ("on:2w", "from 2024-02-29T15 to 2024-03-01T15"),
    ('on:"2 weeks ago"', "from 2024-02-29T15 to 2024-03-01T15"),
    ("before:3m", "to 2023-12-14T15"),
    ("before:1y", "to 2023-03-14T15"),
    ("after:2024-03-01T10:30", "from 2024-03-01T01:30"),
    ("after:2024-03-01T10:30Z", "from 2024-03-01T10:30"),
    ("after:2024-03-01T10:30:15.25+01:00", "from 2024-03-01T09:30:15.250000"),
    ("on:2024-03-01T10:30Z", "from 2024-03-01T10:30 to 2024-03-01T10:31"),
    ("on:2024-03-01T10:30:00Z", "from 2024-03-01T10:30 to 2024-03-01T10:30:01"),
    ("after:1709289000", "from 2024-03-01T10:30"),
    ("newer_than:12h", "from 2024-03-14T13:30:20"),
    ("newer_than:7d", "from 2024-03-08T01:30:20"),
    ("newer_than:2w", "from 2024-03-01T01:30:20"),
    ("newer_than:3m", "from 2023-12-15T01:30:20"),
    ("newer_than:1y", "from 2023-03-15T01:30:20"),
    ('newer_than:"7 days"', "from 2024-03-08T01:30:20"),
    ("older_than:1y", "to 2023-03-15T01:30:20"),
    ("after:2024 before:2025", "(& from 2023-12-31T15 to 2024-12-31T15)"),
    # all together
    (
        'from:(ana OR bo) subject:"two words" -is:read after:2024-03 budg*',
        '(& (| from=ana from=bo) subject/"two words" (! is=read) from 2024-02-29T15 budg*)',
    ),
    (
        "(from:ana has:attachment) OR (to:bo larger:1M)",
        "(| (& from=ana has=attachment) (& to=bo size>=1048576))",
    ),
]

# query, position, did_you_mean, a part of the message
ERRORS = [
    ("form:ana", 0, "from:ana", '"form:" is no field'),
    ("a form:ana b", 2, "from:ana", "no field"),
    ("-form:ana", 1, "from:ana", "no field"),
    ("fron:ana", 0, "from:ana", "no field"),
    ("subjct:x", 0, "subject:x", "no field"),
    ("Subjekt:x", 0, "subject:x", "no field"),
    ("befor:2024", 0, "before:2024", "no field"),
    ("larget:5M", 0, "larger:5M", "no field"),
    ('form:"Ana Souza" x', 0, 'from:"Ana Souza"', "no field"),
    ("form:(a b)", 0, "from:(a b)", "no field"),
    ("form:" + "a" * 90, 0, "from:", "no field"),
    ("newer_then:7d", 0, "newer_than:7d", "no field"),
    ("is:unraed", 3, "is:unread", "does not know"),
    ("is:foo", 3, "", "does not know"),
    ("is:flaged", 3, "is:flagged", "does not know"),
    ("is:read*", 3, "is:read", "does not know"),
    ("is:(unread OR strred)", 14, "is:starred", "does not know"),
    ("has:attachemnt", 4, "has:attachment", "does not know"),
    ("has:drive", 4, "", "does not know"),
    ("type:pfd", 5, "type:pdf", "does not know"),
    ("type:qqq", 5, "", "does not know"),
    ("larger:big", 7, "", "no size"),
    ("larger:-5", 7, "", "no size"),
    ("larger:1,5M", 7, "", "no size"),
    ("larger:10X", 7, "", "no size"),
    ("larger:999999999999999G", 7, "", "larger than any message"),
    ("thread:abc", 7, "", "no thread id"),
    ("thread:t4hq0v7d2k8xu", 7, "", "no thread id"),
    ("msgid:<>", 6, "", "Message-ID is missing"),
    ('in:""', 3, "", "name is missing"),
    ("in:work*", 7, "", "given whole"),
    ("account:w*", 9, "", "given whole"),
    ("to:me", 3, "", '"me"'),
    ("from:me", 5, "", '"me"'),
    ("with:me", 5, "", '"me"'),
    ("from:--", 5, "", "no letter or digit"),
    ('subject:""', 8, "", "no letter or digit"),
    ("subject:!!", 8, "", "no letter or digit"),
    ("list:<>", 5, "", "no letter or digit"),
    # dates
    ("on:2024-02-30", 3, "", "no day 30 in February 2024, which has 29 days"),
    ("on:2023-02-29", 3, "", "which has 28 days"),
    ("after:2024-13", 6, "", "no month 13"),
    ("after:2024-00-10", 6, "", "no month 0"),
    ("after:2024-01-00", 6, "", "no day 0"),
    ("after:0001", 6, "", "from 1900 to 2999"),
    ("after:9999", 6, "", "from 1900 to 2999"),
    ("on:2024-W54", 3, "", "no week 54"),
    ("after:2024-01-01T25:00", 6, "", "time of day"),
    ("after:03/05/2024", 6, "2024-03-05 or 2024-05-03", "begins with the year"),
    ("after:31/05/2024", 6, "2024-05-31", "begins with the year"),
    ("after:20240305", 6, "2024-03-05", "separators"),
    ("after:yesterdy", 6, "yesterday", "no date"),
    ("after:last week", 6, '"last week"', "quotation marks"),
    ("after:soon", 6, "", "no date"),
    ("after:2024*", 6, "", "no date"),
    ("after:999999d", 6, "", "from 1900 to 2999"),
    ("newer_than:99999y", 11, "", "from 1900 to 2999"),
    ("newer_than:2024", 11, "after:2024", "span of time"),
    ("older_than:yesterday", 11, "before:yesterday", "span of time"),
    ("newer_than:5min", 11, "", "span of time"),
    # form
    ('"', 0, "", "no letter or digit"),
    ('a "b c', 2, '"b c"', "not closed"),
    ('a report"', 8, '"report"', "not closed"),
    ("“a", 0, "“a”", "not closed"),
    ("„a", 0, "„a“", "not closed"),
    (r'"a\"', 0, r'"a\""', "not closed"),
    ("(a", 0, "(a)", "not closed"),
    ("a (b (c)", 2, "(b (c))", "not closed"),
    ("{a", 0, "{a}", "not closed"),
    ("from:(a", 5, "(a)", "not closed"),
    ("a)", 1, "", "closes nothing"),
    (")", 0, "", "closes nothing"),
    ("thanks ) bo", 7, "", "closes nothing"),
    ("(a 2024)) b", 8, "", "closes nothing"),
    ("(a}", 2, "", "closes nothing"),
    ("{a)", 2, "", "closes nothing"),
    ("( )", 0, "", "nothing between"),
    ("a { }", 2, "", "nothing between"),
    ("from:( )", 5, "", "nothing between"),
    ("a OR", 4, "", "OR is followed by the end"),
    ("OR a", 0, "", "no term before it"),
    ("AND a", 0, "", "no term before it"),
    ("a OR OR b", 5, "", "OR is followed by OR"),
    ("a AND OR b", 6, "", "AND is followed by OR"),
    ("a NOT", 5, "", "NOT is followed by the end"),
    ("(OR a)", 1, "", "followed by OR"),
    ("(a OR )", 6, "", "OR is followed by )"),
    ("from:", 5, "", "from: has no value"),
    ("from: OR a", 5, "", "from: has no value"),
    ("(from:)", 6, "", "from: has no value"),
    ("from: subject:x", 5, "", "from: has no value"),
    ("from:(subject:x)", 6, "", "cannot stand inside"),
    ("--", 0, "", "no letter or digit"),
    ("🎉", 0, "", "no letter or digit"),
    ("()", 0, "", "no letter or digit"),
    ('""', 0, "", "no letter or digit"),
    ("*", 0, "", "no letter or digit"),
    ("-- OR ...", 0, "", "no letter or digit"),
    # limits
    ("a" * 2001, 2000, "", "at most 2,000 characters"),
    ("(" * 51 + "a" + ")" * 51, 50, "", "nested at most 50 deep"),
    ("NOT " * 51 + "a", 200, "", "nested at most 50 deep"),
    ("a " * 201, 400, "", "at most 200 terms"),
]

NOTES = [
    ("zero:sum", '"zero:sum" is read as text'),
    ("Re:hello", '"Re:hello" is read as text: "Re" is no field'),
    ('5" disk', '5" is read as text, with its marks'),
    ("1) milk", "1) is read as text"),
    ('a " b', '""" has no letter or digit and is left out'),
    ("thanks :)", '":)" has no letter or digit and is left out'),
    ("re: hello", '"re:" is read as text'),
    ("form: ana", "from: is"),
    ("from: ana", "the space after from: is left out"),
    ("a --", '"--" has no letter or digit and is left out'),
    ('a ""', '"" has no letter or digit'),
    ("f*o", "only at the end of a word"),
    ("from:ana*", "the * is left out"),
    ("list:dev*", "the * is left out"),
    ('from:"Ana <a@b.io>"', "looks for the address a@b.io alone"),
    ("from:(ana, bo)", 'the , after "ana" is left out'),
    ("tea or (coffee)", '"or" is read as a word'),
    ("type:xlsx", "type:xlsx is read as type:spreadsheet"),
]


def compact(query: Query) -> str:
    match query:
        case Everything():
            return "everything"
        case Words(text, field, prefix, quoted):
            text = f'"{text}"' if quoted else text
            return ("" if field is TextField.ANY else f"{field}/") + text + ("*" if prefix else "")
        case Participant(field, value):
            return f"{field}={value}"
        case InMailbox(name):
            return f"in={name}"
        case InAccount(name):
            return f"account={name}"
        case InThread(handle):
            return f"thread={handle}"
        case WithMessageId(message_id):
            return f"msgid={message_id}"
        case OnList(value):
            return f"list={value}"
        case Has(feature):
            return f"has={feature}"
        case Is(state):
            return f"is={state}"
        case OfType(value):
            return f"type={value}"
        case SizeBetween(minimum, limit):
            return f"size>={minimum}" if limit is None else f"size<{limit}"
        case DateBetween(start, end):
            return " ".join(f"{word} {short(at)}" for word, at in (("from", start), ("to", end)) if at is not None)
        case Not(part):
            return f"(! {compact(part)})"
        case And(parts):
            return f"(& {' '.join(map(compact, parts))})"
        case Or(parts):
            return f"(| {' '.join(map(compact, parts))})"


def short(instant: datetime) -> str:
    assert instant.tzinfo is UTC
    text = instant.replace(tzinfo=None).isoformat()
    return text.removesuffix(":00").removesuffix(":00")


@pytest.mark.parametrize(("query", "tree"), TREES)
def test_a_query_is_read_as(query: str, tree: str) -> None:
    assert compact(parse(query, zone=SEOUL, now=FRIDAY).tree) == tree


@pytest.mark.parametrize(("query", "position", "did_you_mean", "message"), ERRORS)
def test_an_error_points_at_its_place(query: str, position: int, did_you_mean: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        parse(query, zone=SEOUL, now=FRIDAY)
    fault = caught.value
    assert fault.code is ErrorCode.QUERY_SYNTAX
    assert message in fault.message
    assert f"character {position + 1} " in fault.message
    assert fault.details["position"] == position
    assert fault.details.get("did_you_mean", "") == did_you_mean


@pytest.mark.parametrize("query", [query for query, _, _, message in ERRORS if "at most" not in message])
def test_an_error_says_what_was_expected_or_the_nearest_spelling(query: str) -> None:
    with pytest.raises(Fault) as caught:
        parse(query, zone=SEOUL, now=FRIDAY)
    details = caught.value.details
    if "from 1900 to 2999" in caught.value.message:
        return  # which says it
    assert details.get("expected") or details.get("did_you_mean")
    assert str(details["pointer"]).endswith("^")


@pytest.mark.parametrize(("query", "hint"), [("AND a", '"AND" as text: "and"'), ("a NOT", '"NOT" as text: "not"')])
def test_an_operator_out_of_place_says_how_it_is_looked_for_as_text(query: str, hint: str) -> None:
    with pytest.raises(Fault) as refused:
        parse(query, zone=SEOUL, now=FRIDAY)
    assert refused.value.details is not None
    assert hint in str(refused.value.details["expected"])


@pytest.mark.parametrize(("query", "note"), NOTES)
def test_what_could_be_meant_otherwise_is_noted(query: str, note: str) -> None:
    assert any(note in taken for taken in parse(query, zone=SEOUL, now=FRIDAY).notes)
