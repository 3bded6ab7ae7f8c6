from mailquery.domain.spelling import one_edit_from


def test_one_letter_is_left_out_added_changed_or_swapped() -> None:
    edits = set(one_edit_from("boat"))
    assert {"bat", "boats", "coat", "baot", "aboat"} <= edits
    assert "boat" not in {edit for edit in edits if edit != "boat"}
    assert "bt" not in edits
