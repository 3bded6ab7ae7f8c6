import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from mcpkit.logs import Form, Level, add_field, during, log_call, set_up_logging
from mcpkit.redaction import HIDDEN
from support import planted


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    libraries = {name: logging.getLogger(name).level for name in ("mcp", "uvicorn", "asyncio", "aiosqlite")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in libraries.items():
        logging.getLogger(name).setLevel(before)


def output(level: Level = "info", form: Form = "json") -> io.StringIO:
    stream = io.StringIO()
    set_up_logging(level, form, stream)
    return stream


def record(stream: io.StringIO) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(stream.getvalue())
    return written


def test_a_record_is_one_line_of_json_with_its_fields() -> None:
    stream = output()
    logging.getLogger("mail").info("read %s", 3, extra={"audit": {"user": "민수"}})
    written = record(stream)
    assert (written["event"], written["level"], written["logger"]) == ("read 3", "info", "mail")
    assert written["audit"] == {"user": "민수"}
    assert written["timestamp"].endswith("Z")


def test_values_of_keys_named_like_secrets_are_hidden_at_any_depth() -> None:
    stream = output()
    logging.getLogger("mail").info(
        "x",
        extra={"api_key": "swordfish", "imap": {"password": "swordfish", "sent": [{"Authorization": "swordfish"}]}},
    )
    assert "swordfish" not in stream.getvalue()
    assert record(stream)["imap"]["password"] == HIDDEN


@pytest.mark.parametrize(
    "message",
    ["password=swordfish99", "Sent: Bearer swordfish99", "token: swordfish99", "api-key=swordfish99"],
)
@pytest.mark.parametrize("form", ["json", "console"])
def test_what_looks_like_a_secret_in_a_message_or_traceback_is_hidden(message: str, form: Form) -> None:
    stream = output(form=form)
    logging.getLogger("mail").warning(message)
    assert "swordfish" not in stream.getvalue()


def test_a_traceback_shows_no_local_variables() -> None:
    for form in ("json", "console"):
        stream = output(form=form)
        body_of_a_message = "swordfish"
        try:
            int(f"{len(body_of_a_message)}x")
        except ValueError:
            logging.getLogger("mail").exception("failed")
        assert "ValueError" in stream.getvalue()
        assert "swordfish" not in stream.getvalue()


def test_libraries_are_heard_from_their_warnings_on() -> None:
    stream = output()
    logging.getLogger("mcp.server.runner").info("chatter")
    logging.getLogger("uvicorn.error").info("chatter")
    assert stream.getvalue() == ""
    logging.getLogger("uvicorn.error").warning("trouble")
    assert record(stream)["event"] == "trouble"


def test_setting_up_twice_writes_once() -> None:
    output()
    stream = output()
    logging.getLogger("mail").info("x")
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("name", ["mailquery", "mcp.server", "uvicorn.error", "httpx2"])
def test_planted_secrets_are_hidden_wherever_a_record_has_them(form: Form, name: str) -> None:
    stream = output(form=form)
    log = logging.getLogger(name)
    try:
        try:
            raise OSError(planted.ERROR_TEXT)
        except OSError as error:
            raise RuntimeError(f"again: {planted.ERROR_TEXT}") from error
    except RuntimeError:
        log.exception("failed: %s", planted.ERROR_TEXT, stack_info=True)
    log.error(
        "x", extra={"deep": [{"headers": [(b"authorization", planted.TOKEN.encode())]}, {"text": planted.API_KEY}]}
    )
    log.error(
        "x",
        extra={
            "headers": {"Cookie": planted.COOKIE, "X-API-Key": "plain-quince"},
            "error": OSError(planted.ERROR_TEXT),
        },
    )
    log.error(planted.ERROR_TEXT.encode())
    log.error({"request": {"url": f"https://ana:{planted.PASSWORD}@x.example/"}})
    written = stream.getvalue()
    assert len(written) > 500
    assert "RuntimeError" in written
    for what, value in planted.PLANTED.items():
        assert value not in written, what
    assert "plain-quince" not in written


def test_a_record_that_cannot_be_written_is_not_printed_instead(capsys: pytest.CaptureFixture[str]) -> None:
    stream = output()
    logging.getLogger("mail").error("%d", planted.PASSWORD)
    assert planted.PASSWORD not in stream.getvalue() + capsys.readouterr().err
    assert "could not be written" in stream.getvalue()


def test_lines_of_a_request_bear_its_fields_and_no_others_do() -> None:
    stream = output()
    with during({"request_id": "a1"}):
        logging.getLogger("mail").info("inside")
        with during({"tool": "search"}):
            add_field("principal", "ana")
            logging.getLogger("mail").info("deeper", extra={"tool": "of its own"})
        logging.getLogger("mail").info("inside again")
    add_field("principal", "ana")  # of nothing
    logging.getLogger("mail").info("outside")
    inside, deeper, again, outside = map(json.loads, stream.getvalue().splitlines())
    assert inside["request_id"] == again["request_id"] == "a1"
    assert {"tool", "principal"}.isdisjoint(again)
    assert (deeper["request_id"], deeper["tool"], deeper["principal"]) == ("a1", "of its own", "ana")
    assert {"request_id", "tool", "principal"}.isdisjoint(outside)


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_call_is_a_line_like_any_other(form: Form) -> None:
    stream = output(form=form)
    with during({"request_id": "a1", "tool": "search"}):
        log_call(lambda: {"principal": "민수", "status": "ok", "duration_ms": 1.5})
    if form == "console":
        assert "call" in stream.getvalue()
        assert "status=ok" in stream.getvalue()
        return
    written = record(stream)
    assert written.pop("timestamp").endswith("Z")
    assert written == {
        "event": "call",
        "level": "info",
        "logger": "mcpkit.calls",
        "request_id": "a1",
        "tool": "search",
        "principal": "민수",
        "status": "ok",
        "duration_ms": 1.5,
    }


def test_calls_are_silent_from_warnings_on() -> None:
    stream = output("warning")
    log_call(lambda: {"status": "ok"})
    assert stream.getvalue() == ""


def test_a_library_that_tells_every_statement_is_heard_from_its_warnings_on_at_debug_too() -> None:
    stream = output("debug")
    logging.getLogger("aiosqlite").debug("executing <function>")
    assert stream.getvalue() == ""
    logging.getLogger("mcp").debug("a request came")
    logging.getLogger("aiosqlite").warning("it is closed")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["a request came", "it is closed"]
