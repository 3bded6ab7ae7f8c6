from mailquery.domain.queries import And, Everything, Not, Or, TextField, Words
from mailquery.domain.relevance import RANKED_WORDS, Demand, Evidence, Weights, score

NOTHING = Evidence(coverage=0, text=0, meaning=0, years=100)


def test_a_query_is_its_free_words_and_what_must_hold() -> None:
    phrase, field = Words("two words", quoted=True), Words("x", TextField.SUBJECT)
    either = Or((Words("a"), Words("b", prefix=True)))
    demand = Demand.of(And((Words("boat"), phrase, either, field, Not(Words("draft")))))
    assert demand.words == (Words("boat"), either)
    assert demand.required == And((phrase, field, Not(Words("draft"))))
    assert demand.text == "boat a/b*"


def test_one_word_or_one_condition_is_a_demand_too() -> None:
    assert Demand.of(Words("boat")) == Demand((Words("boat"),), Everything(), ((0,),))
    assert Demand.of(Not(Words("boat"))) == Demand((), Not(Words("boat")))
    assert Demand.of(Or((Words("a"), Words("b", quoted=True)))).words == ()


def test_longer_alternatives_are_each_a_way_to_meet_the_query() -> None:
    cheap, seats, low, fares = map(Words, ("cheap", "seats", "low", "fares"))
    either = Or((And((cheap, seats)), And((low, fares))))
    assert Demand.of(either) == Demand((cheap, seats, low, fares), Everything(), ((0, 1), (2, 3)))
    assert Demand.of(either).text == "cheap seats low fares"
    assert Demand.of(And((Words("now"), either))).alternatives == ((0, 1, 2), (0, 3, 4))
    assert Demand.of(Or((And((cheap, seats)), cheap))).alternatives == ((0, 1), (0,))
    required = Or((And((cheap, Words("x", TextField.SUBJECT))), low))
    assert Demand.of(required) == Demand((), required)


def test_alternatives_that_multiply_without_bound_must_hold_instead() -> None:
    pairs = [Or((And((Words(f"a{n}"), Words(f"b{n}"))), Words(f"c{n}"))) for n in range(8)]
    demand = Demand.of(And(tuple(pairs)))
    assert len(demand.alternatives) == 16
    assert demand.required == And(tuple(pairs[4:]))


def test_a_word_counts_once_however_it_is_written() -> None:
    assert Demand.of(And((Words("Café"), Words("cafe"), Words("CAFE")))).words == (Words("Café"),)
    assert len(Demand.of(And((Words("cafe"), Words("cafe", prefix=True)))).words) == 2
    either = (Or((Words("a"), Words("B"))), Or((Words("b"), Words("A"))))
    assert Demand.of(And(either)).words == either[:1]


def test_the_first_words_of_a_long_query_are_ranked_by() -> None:
    demand = Demand.of(And(tuple(Words(f"w{number}") for number in range(RANKED_WORDS + 8))))
    assert (len(demand.words), len(demand.unranked)) == (RANKED_WORDS, 8)
    assert demand.alternatives == (tuple(range(RANKED_WORDS)),)
    assert demand.text.endswith(f"w{RANKED_WORDS + 7}")


def test_every_kind_of_evidence_counts() -> None:
    weights = Weights()
    worst = score(NOTHING, weights)
    assert worst < score(Evidence(coverage=1, text=0, meaning=0, years=100), weights)
    assert worst < score(Evidence(coverage=0, text=0, meaning=0.5, years=100), weights)
    assert worst < score(Evidence(coverage=0, text=0, meaning=0, years=0), weights)
    half = score(Evidence(coverage=0.5, text=0.5, meaning=0, years=100), weights)
    assert worst < half < 0.5 * score(Evidence(coverage=1, text=1, meaning=0, years=100), weights)
