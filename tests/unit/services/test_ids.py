import pytest

from mailquery.domain.handles import attachment_handle, message_handle, thread_handle
from mailquery.services.ids import attachment_key, message_key, message_or_thread_key
from mcpkit.errors import ErrorCode, Fault


def test_an_id_of_the_right_form_gives_its_key() -> None:
    assert message_key(message_handle(77)) == 77
    assert message_or_thread_key(thread_handle(78)) == ("t", 78)
    assert attachment_key(attachment_handle(79, "2.1")) == (79, "2.1")


@pytest.mark.parametrize("text", ["", "m", "77", "m0000000000ILO", "x" * 300, message_handle(1) + "\n", "メール"])
def test_what_is_no_id_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Fault) as refused:
        message_key(text)
    assert refused.value.code is ErrorCode.INVALID_FORMAT
    assert refused.value.details["argument"] == "id"
    assert len(text) < 5 or text not in refused.value.message


def test_an_id_of_another_kind_is_named() -> None:
    with pytest.raises(Fault, match="this is a thread id"):
        message_key(thread_handle(1))
    with pytest.raises(Fault, match="this is an attachment id"):
        message_key(attachment_handle(1, "2"))
    with pytest.raises(Fault, match="this is a message id"):
        attachment_key(message_handle(1))
