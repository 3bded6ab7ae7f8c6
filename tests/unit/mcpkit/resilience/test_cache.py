from hypothesis import given
from hypothesis import strategies as st

from mcpkit.resilience.cache import Cache, CacheFigures


def cache(entries: int = 3, size: int = 1_000) -> Cache[str, str]:
    return Cache("letters", entries=entries, size=size)


def test_what_was_used_longest_ago_goes_first() -> None:
    held = cache(entries=2)
    held.put("a", "A", 1)
    held.put("b", "B", 1)
    assert held.get("a") == "A"
    held.put("c", "C", 1)
    assert (held.get("a"), held.get("b"), held.get("c")) == ("A", None, "C")


def test_a_value_that_would_push_out_many_others_is_not_kept() -> None:
    held = cache(size=1_000)
    held.put("small", "s", 100)
    held.put("large", "l", 101)
    assert (held.get("small"), held.get("large")) == ("s", None)


def test_a_larger_value_in_place_of_one_that_was_kept_leaves_neither() -> None:
    held = cache(size=1_000)
    held.put("a", "old", 10)
    held.put("a", "new", 500)
    assert held.get("a") is None
    assert held.figures().bytes == 0


def test_without_entries_nothing_is_kept() -> None:
    held = cache(entries=0)
    held.put("a", "A", 1)
    assert held.get("a") is None


def test_its_figures_tell_how_much_it_helps() -> None:
    held = cache()
    held.put("a", "A", 7)
    held.get("a")
    held.get("b")
    assert held.figures() == CacheFigures("letters", hits=1, misses=1, entries=1, bytes=7)
    held.clear()
    assert held.figures() == CacheFigures("letters", hits=1, misses=1, entries=0, bytes=0)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 40))))
def test_it_never_holds_more_than_it_may_and_counts_what_it_holds(puts: list[tuple[str, int]]) -> None:
    held = cache(entries=4, size=300)
    sizes: dict[str, int] = {}
    for key, size in puts:
        held.put(key, key, size)
        sizes[key] = size
        figures = held.figures()
        assert figures.entries <= 4
        assert figures.bytes <= 300
    kept = [key for key in sizes if held.get(key) == key]
    assert held.figures().bytes == sum(sizes[key] for key in kept)
    assert held.figures().entries == len(kept)
