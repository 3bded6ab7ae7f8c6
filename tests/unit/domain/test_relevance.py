from mailquery.domain.queries import And, Everything, Not, Or, TextField, Words
from mailquery.domain.relevance import Demand, Evidence, Weights, score

NOTHING = Evidence(coverage=0, text=0, meaning=0, years=100)


def test_a_query_is_its_free_words_and_what_must_hold() -> None:
    phrase, field = Words("two words", quoted=True), Words("x", TextField.SUBJECT)
    either = Or((Words("a"), Words("b", prefix=True)))
    demand = Demand.of(And((Words("boat"), phrase, either, field, Not(Words("draft")))))
    assert demand.words == (Words("boat"), either)
    assert demand.required == And((phrase, field, Not(Words("draft"))))
    assert demand.text == "boat a/b*"


def test_one_word_or_one_condition_is_a_demand_too() -> None:
    assert Demand.of(Words("boat")) == Demand((Words("boat"),), Everything())
    assert Demand.of(Not(Words("boat"))) == Demand((), Not(Words("boat")))
    assert Demand.of(Or((Words("a"), Words("b", quoted=True)))).words == ()


def test_every_kind_of_evidence_counts() -> None:
    weights = Weights()
    worst = score(NOTHING, weights)
    assert worst < score(Evidence(coverage=1, text=0, meaning=0, years=100), weights)
    assert worst < score(Evidence(coverage=0, text=0, meaning=0.5, years=100), weights)
    assert worst < score(Evidence(coverage=0, text=0, meaning=0, years=0), weights)
    half = score(Evidence(coverage=0.5, text=0.5, meaning=0, years=100), weights)
    assert worst < half < 0.5 * score(Evidence(coverage=1, text=1, meaning=0, years=100), weights)
