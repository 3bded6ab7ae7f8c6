"""The parts that a compiled query is made of, and how they combine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailquery.domain.messages import Flag


@dataclass(frozen=True, slots=True)
class Truth:
    """Every message, or none."""

    value: bool


@dataclass(frozen=True, slots=True)
class Match:
    """An FTS5 expression. `words` is whether it looks for text, so that relevance means something; `prefix` whether a
    word may go on, which FTS5 answers by merging the hits of all its words each time it is asked."""

    expression: str
    words: bool = False
    prefix: bool = False

    @property
    def has_phrase(self) -> bool:
        """Whether words must stand beside each other, for which FTS5 looks at every place that they have."""
        return any(" " in term for term in self.expression.split('"')[1::2])


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that is true or false, never NULL, for a message. `m` is its row where `needs_message` says so."""

    sql: str
    parameters: tuple[object, ...] = ()
    needs_message: bool = False


@dataclass(frozen=True, slots=True)
class Lies:
    """In one of these mailboxes, given by their ids."""

    mailboxes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Flagged:
    """Has the flag, or has it not, over all of its placements."""

    flag: Flag
    present: bool = True


@dataclass(frozen=True, slots=True)
class Dates:
    """Dated from the unix second `first` on and before `limit`."""

    first: int | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class Sized:
    """Of `minimum` bytes or more and of fewer than `limit`."""

    minimum: int | None
    limit: int | None

    def condition(self, row: str) -> tuple[str, tuple[object, ...]]:
        """SQL over a row of `messages`, and its parameters."""
        bounds = [(f"{row}.size >= ?", self.minimum), (f"{row}.size < ?", self.limit)]
        given = [(sql, size) for sql, size in bounds if size is not None]
        return " AND ".join(sql for sql, _ in given) or "1", tuple(size for _, size in given)


@dataclass(frozen=True, slots=True)
class Negation:
    part: "Node"


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple["Node", ...]


Node = Truth | Match | Condition | Lies | Flagged | Sized | Dates | Negation | Both | Either


def quoted(term: str) -> str:
    """A phrase of FTS5's query syntax. Every term is quoted: bare ones would be read as operators and columns."""
    return '"' + term.replace("\0", " ").replace('"', '""') + '"'


def negated(node: Node) -> Node:
    if isinstance(node, Truth):
        return Truth(not node.value)
    if isinstance(node, Negation):
        return node.part
    if isinstance(node, Flagged):
        return Flagged(node.flag, not node.present)
    return Negation(node)


def both(nodes: Iterable[Node]) -> Node:
    """The conjunction: index expressions become one, negated ones its NOT."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.parts if isinstance(node, Both) else [node])
    if any(node == Truth(False) for node in flat):
        return Truth(False)
    matches = [node for node in flat if isinstance(node, Match)]
    others: list[Node] = [node for node in flat if not isinstance(node, Match | Truth)]
    if matches:
        without = [n.part for n in others if isinstance(n, Negation) and isinstance(n.part, Match)]
        others = [n for n in others if not (isinstance(n, Negation) and isinstance(n.part, Match))]
        expression = _joined([match.expression for match in matches], "AND")
        if without:
            expression = f"({expression} NOT {_joined([match.expression for match in without], 'OR')})"
        prefix = any(match.prefix for match in (*matches, *without))
        others.insert(0, Match(expression, any(match.words for match in matches), prefix))
    return _one_or(others, Both, Truth(True))


def either(nodes: Iterable[Node]) -> Node:
    """The disjunction: index expressions become one."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.parts if isinstance(node, Either) else [node])
    if any(node == Truth(True) for node in flat):
        return Truth(True)
    matches = [node for node in flat if isinstance(node, Match)]
    others: list[Node] = [node for node in flat if not isinstance(node, Match | Truth)]
    if matches:
        expression = _joined([match.expression for match in matches], "OR")
        words, prefix = any(match.words for match in matches), any(match.prefix for match in matches)
        others.insert(0, Match(expression, words, prefix))
    return _one_or(others, Either, Truth(False))


def _joined(expressions: Sequence[str], operator: str) -> str:
    return expressions[0] if len(expressions) == 1 else f"({f' {operator} '.join(expressions)})"


def _one_or(nodes: list[Node], kind: type[Both] | type[Either], empty: Truth) -> Node:
    if not nodes:
        return empty
    return nodes[0] if len(nodes) == 1 else kind(tuple(nodes))
