from mailquery.domain.answers import Turn, answers


def turn(key: int, ours: bool, *, to: str = "", refs: tuple[str, ...] = (), silent: bool = False) -> Turn:
    return Turn(key, key * 60, "x", ours, f"{key}@x", in_reply_to=(to,) if to else (), references=refs, silent=silent)


def pairs(*thread: Turn) -> list[tuple[int, int]]:
    return [(each.question.key, each.answer.key) for each in answers(thread)]


def test_an_answer_is_to_the_message_that_it_names() -> None:
    assert pairs(turn(1, False), turn(2, False), turn(3, True, to="1@x")) == [(1, 3)]
    assert pairs(turn(1, False), turn(2, False), turn(3, True, refs=("1@x", "2@x", "gone@x"))) == [(2, 3)]


def test_without_a_name_it_is_to_the_newest_of_the_other_side() -> None:
    assert pairs(turn(1, False), turn(2, False), turn(3, True), turn(4, False, to="gone@x")) == [(2, 3), (3, 4)]


def test_only_the_first_answer_counts() -> None:
    assert pairs(turn(1, False), turn(2, True, to="1@x"), turn(3, True, to="1@x"), turn(4, True)) == [(1, 2)]


def test_what_continues_ones_own_message_answers_nothing() -> None:
    assert pairs(turn(1, False), turn(2, True), turn(3, True, to="2@x"), turn(4, False, to="3@x")) == [(1, 2), (3, 4)]


def test_an_answer_dated_before_its_question_is_none() -> None:
    assert (2, 1) not in pairs(turn(1, True, to="2@x"), turn(2, False))


def test_programs_neither_ask_nor_answer() -> None:
    asked = turn(1, True)
    assert pairs(asked, turn(2, False, to="1@x", silent=True), turn(3, False, to="1@x")) == [(1, 3)]
    assert pairs(turn(1, False, silent=True), turn(2, True, to="1@x")) == []
