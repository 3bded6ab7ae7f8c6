"""What no answer and no log may have, whatever was asked."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_INTERNAL = -32603
_TOO_MANY = (b"Too many open sessions", b"Service Unavailable")  # of 503, which the documentation names
# Of Python, of SQLite and of the libraries: words of a program that broke, not of one that refuses.
_EXCEPTION_TEXT = re.compile(
    rb"Traceback \(most recent call last|File \\?\"[^\"]*\.py|\b[A-Z]\w+(?:Error|Exception)\b[:(]|errors\.pydantic\.dev"
    rb"|sqlite3\.|fts5: |near \\?\"[^\"]*\\?\": syntax error|object at 0x[0-9a-f]{6}|site-packages"
)
_ERROR_LINE = re.compile(r"^[ |+]*([A-Za-z_][\w.]*(?:: .*)?)$", re.MULTILINE)
_MOST_KEPT = 200


@dataclass(frozen=True)
class Finding:
    """`number` is the case's; the seed and it make it again."""

    what: str
    kind: str
    number: int
    excerpt: str


class Oracle:
    """Collects what is wrong, and what became of each kind of request."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self.findings: list[Finding] = []
        self.found: Counter[str] = Counter()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.tracebacks: Counter[str] = Counter()
        self.examples: dict[str, str] = {}  # of each kind of traceback
        self._secrets = {
            place: (secret, base64.b64encode(secret).rstrip(b"=")[:-1], secret.hex().encode())
            for place, secret in secrets.items()
        }

    def outcome(self, kind: str, what: str) -> None:
        self.outcomes[kind, what] += 1

    def report(self, what: str, kind: str, number: int, excerpt: bytes | str = b"") -> None:
        self.found[what] += 1
        if len(self.findings) < _MOST_KEPT:
            text = excerpt.decode("utf-8", "backslashreplace") if isinstance(excerpt, bytes) else excerpt
            self.findings.append(Finding(what, kind, number, text[:600]))

    def received(self, kind: str, number: int, received: bytes) -> None:
        """All bytes of an answer, whatever they are."""
        self._leaks("an answer", kind, number, received)
        exception = _EXCEPTION_TEXT.search(received)
        if exception:
            around = received[max(0, exception.start() - 200) : exception.end() + 300]
            self.report("an answer tells of an exception", kind, number, around)

    def http_status(self, kind: str, number: int, status: int, body: bytes) -> None:
        if status < 500 or (status == 503 and any(text in body for text in _TOO_MANY)):
            return
        if b"error_id" not in body:
            self.report(f"{status} without an error id", kind, number, body)

    def message(self, kind: str, number: int, answer: Any) -> None:
        """A JSON-RPC message of the server's."""
        if not isinstance(answer, dict) or answer.get("jsonrpc") != "2.0":
            self.report("an answer is no JSON-RPC message", kind, number, json.dumps(answer)[:600])
            return
        fault = _fault(answer)
        if fault is None:
            return
        excerpt = json.dumps(fault)
        if "error_id" not in excerpt and "Too many open sessions" not in excerpt:
            self.report("an internal error without an error id", kind, number, excerpt)
        elif "error_id" in excerpt:
            self.report("an internal error", kind, number, excerpt)

    def log(self, kind: str, number: int, log: bytes) -> None:
        """What a server wrote to standard error."""
        self._leaks("the log", kind, number, log)
        for line in log.splitlines():
            if b"Traceback" in line:
                record = _record(line)
                what = _last_words(record)
                self.tracebacks[what] += 1
                self.examples.setdefault(what, str(record.get("exception", "")))

    def _leaks(self, where: str, kind: str, number: int, text: bytes) -> None:
        for place, forms in self._secrets.items():
            for form in forms:
                at = text.find(form)
                if at >= 0:
                    self.report(f"{where} has {place}", kind, number, text[max(0, at - 200) : at + 100])


def messages_in(body: bytes, content_type: str) -> Iterable[Any]:
    """The JSON documents of an answer, which may be events. Raises ValueError."""
    if content_type.startswith("text/event-stream"):
        for line in re.split(rb"\r\n|\n|\r", body):
            data = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
            if data:
                yield json.loads(data)
    elif content_type.startswith("application/json") and body:
        yield json.loads(body)


def _fault(answer: Mapping[str, Any]) -> Any:
    """An error of the server's own that an answer reports."""
    error = answer.get("error")
    if isinstance(error, dict) and (error.get("code") == _INTERNAL or _is_internal(error.get("data"))):
        return error
    result = answer.get("result")
    content = result.get("structuredContent") if isinstance(result, dict) and result.get("isError") else None
    inner = content.get("error") if isinstance(content, dict) else None
    return inner if _is_internal(inner) else None


def _is_internal(error: Any) -> bool:
    return isinstance(error, dict) and error.get("code") == "INTERNAL_ERROR"


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {"event": line[:200].decode("utf-8", "replace")}


def _last_words(record: Mapping[str, Any]) -> str:
    """The event, and the last error that its traceback names."""
    named = _ERROR_LINE.findall(str(record.get("exception", "")))
    return f"{record.get('event')}: {named[-1] if named else ''}".strip()[:200]
