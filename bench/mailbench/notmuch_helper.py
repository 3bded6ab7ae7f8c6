"""Answers questions from a notmuch database, and times them inside this process.

Run under the system's Python, which alone has notmuch's own binding (`notmuch2`); it therefore imports nothing of ours.
Reads one JSON object per line, `{"action", "query", "limit", "count"}`, and answers each with one,
`{"seconds", "seconds_with_total", "hits"}`: with `count`, `hits` are all that match, and the second time includes
counting them; else they are the rows given.
"""

import json
import os
import sys
import time
from collections import Counter
from email import message_from_binary_file
from typing import Any

import notmuch2  # type: ignore[import-not-found]  # only the system's Python has it

Rows = list[tuple[Any, ...]]


def newest(database: Any, query: str, limit: int) -> Rows:
    rows = []
    for message in database.messages(query, sort=database.SORT.NEWEST_FIRST):
        rows.append((message.messageid, message.date, message.header("from"), message.header("subject")))
        if len(rows) == limit:
            break
    return rows


def read(message: Any) -> tuple[Any, ...]:
    """notmuch keeps no texts: they are read from the mail's own file."""
    with open(message.path, "rb") as file:
        parsed = message_from_binary_file(file)
    texts = [part.get_payload(decode=True) for part in parsed.walk() if part.get_content_type() == "text/plain"]
    return message.header("subject"), message.date, texts


def message(database: Any, query: str, limit: int) -> Rows:
    return [read(database.find(query))]


def thread(database: Any, query: str, limit: int) -> Rows:
    (found,) = database.threads(f'thread:"{{id:{query}}}"')
    return [read(one) for one in found]


def statistics(database: Any, query: str, limit: int) -> Rows:
    return Counter(one.header("from") for one in database.messages(query)).most_common(limit)


ACTIONS = {"newest": newest, "message": message, "thread": thread, "statistics": statistics}


def main() -> None:
    database = notmuch2.Database(path=sys.argv[1], config=os.environ["NOTMUCH_CONFIG"])
    for line in sys.stdin:
        asked = json.loads(line)
        run = ACTIONS[asked["action"]]
        started = time.perf_counter()
        rows = run(database, asked["query"], asked["limit"])
        seconds = time.perf_counter() - started
        hits = database.count_messages(asked["query"]) if asked["count"] else len(rows)
        with_total = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "seconds_with_total": with_total, "hits": hits}), flush=True)


if __name__ == "__main__":
    main()
