import pytest

from mailquery.cli.output.exits import MEANINGS, ExitCode, exit_code_for
from mcpkit.errors import Category, ErrorCode


@pytest.mark.parametrize("error", ErrorCode, ids=lambda error: error.name)
def test_every_error_has_an_exit_code_of_its_kind(error: ErrorCode) -> None:
    code = exit_code_for(error)
    assert code not in (ExitCode.OK, ExitCode.INTERRUPTED)
    if error.category is Category.SERVER and error is not ErrorCode.CONFIGURATION:
        assert code in (ExitCode.FAILURE, ExitCode.UNAVAILABLE)


def test_the_help_names_every_exit_code() -> None:
    for code in ExitCode:
        assert f"{code.value} " in MEANINGS
