"""The parts that a compiled query is made of, how they combine, and the SELECT that comes out."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mailquery.domain.messages import Flag

_ROW = "{row}"  # stands in a condition for the expression that is the message's row id


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


@dataclass(frozen=True, slots=True)
class Join:
    """A table in which a message has one row or none, and which keeps those that have one. It takes two thirds of the
    time of EXISTS, which opens the table anew for each message."""

    sql: str
    parameters: tuple[object, ...] = ()


# Conditions on messages.flags are written as the partial indexes have them, since only the same text is served by
# them. Where something else drives, a narrow index is looked into, not the message's wide row.
_LISTED = {  # the index and what it is an index of
    (Flag.SEEN, False): ("messages_unread", "flags & 1 = 0"),
    (Flag.ANSWERED, True): ("messages_answered", "flags & 2 <> 0"),
    (Flag.FLAGGED, True): ("messages_starred", "flags & 4 <> 0"),
    (Flag.DRAFT, True): ("messages_draft", "flags & 8 <> 0"),
    (Flag.GONE, True): ("messages_gone", "flags & 64 <> 0"),
    (Flag.HIDDEN, True): ("messages_hidden", "flags & 128 <> 0"),
}


_IN_ORDER_OF_TIME = "messages_facts"
_BY_SIZE = "messages_by_size"


def _looked_up(flag: Flag, present: bool) -> str:
    listed = (flag, present) in _LISTED
    index, sql = _LISTED[flag, present if listed else not present]
    exists = f"EXISTS (SELECT 1 FROM messages i INDEXED BY {index} WHERE i.id = {_ROW} AND i.{sql})"  # noqa: S608 - constants
    return exists if listed else f"NOT {exists}"


def _joined_by(node: "Node") -> Join | None:
    """The node as a join, where it can be one."""
    match node:
        case Lies((mailbox,)):
            table = f"placements l{mailbox}"
            return Join(f"{table} ON l{mailbox}.message = {_ROW} AND l{mailbox}.mailbox = ?", (mailbox,))
        case Flagged(flag, present) if (flag, present) in _LISTED:
            index, sql = _LISTED[flag, present]
            return Join(f"messages f{flag:d} INDEXED BY {index} ON f{flag:d}.id = {_ROW} AND f{flag:d}.{sql}")
        case Sized(minimum, limit):
            name = f'"sized {minimum} {limit}"'
            sql, sizes = node.condition(name)
            return Join(f"messages {name} INDEXED BY {_IN_ORDER_OF_TIME} ON {name}.id = {_ROW} AND {sql}", sizes)
        case _:
            return None


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


def as_condition(node: Node) -> Condition:
    """Any node as SQL."""
    match node:
        case Truth(value):
            return Condition("1" if value else "0")
        case Match(expression):
            return Condition("{row} IN (SELECT rowid FROM search WHERE search MATCH ?)", (expression,))
        case Condition():
            return node
        case Lies((mailbox,)):
            return Condition(
                "EXISTS (SELECT 1 FROM placements l WHERE l.message = {row} AND l.mailbox = ?)", (mailbox,)
            )
        case Lies(mailboxes):
            return Condition(
                "EXISTS (SELECT 1 FROM placements l WHERE l.message = {row}"
                " AND +l.mailbox IN (SELECT value FROM json_each(?)))",
                (json.dumps(mailboxes),),
            )
        case Flagged(flag, present):
            return Condition(_looked_up(flag, present))
        case Sized():
            sql, sizes = node.condition("z")
            table = f"messages z INDEXED BY {_IN_ORDER_OF_TIME}"
            return Condition(f"EXISTS (SELECT 1 FROM {table} WHERE z.id = {_ROW} AND {sql})", sizes)  # noqa: S608 - constants
        case Dates(first, limit):
            bounds = [("m.date >= ?", first), ("m.date < ?", limit)]
            given = [(sql, second) for sql, second in bounds if second is not None]
            sql = " AND ".join(sql for sql, _ in given) or "1"
            return Condition(f"({sql})", tuple(second for _, second in given), needs_message=bool(given))
        case Negation(part):
            inner = as_condition(part)
            return Condition(f"NOT ({inner.sql})", inner.parameters, inner.needs_message)
        case Both(parts):
            return _combined(parts, " AND ")
        case Either(parts):
            return _combined(parts, " OR ")


def _combined(parts: Sequence[Node], operator: str) -> Condition:
    inner = [as_condition(part) for part in parts]
    return Condition(
        "(" + operator.join(part.sql for part in inner) + ")",
        tuple(parameter for part in inner for parameter in part.parameters),
        any(part.needs_message for part in inner),
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """A query, ready to be run: what drives it, between which row ids, and what else must hold."""

    match: Match | None
    mailbox: int | None  # drives where there is no MATCH
    low: int | None  # the first row id
    high: int | None  # the row id behind the last one
    conditions: tuple[Condition, ...]
    joins: tuple[Join, ...] = ()
    empty: bool = False
    index: str = ""  # of messages, that drives where nothing else does: SQLite would take a wider one

    @classmethod
    def of(
        cls, node: Node, visible: str | None, largest_shift: int, placements: str = "shown_placements"
    ) -> "Selection":
        """`visible` is a JSON array of mailbox ids, or None for all; a message must have one of these `placements` in
        them. No id is counted up by more than `largest_shift`."""
        parts = node.parts if isinstance(node, Both) else (node,)
        match = next((part for part in parts if isinstance(part, Match)), None)
        single = [part.mailboxes[0] for part in parts if isinstance(part, Lies) and len(part.mailboxes) == 1]
        mailbox = single[0] if single and match is None else None
        low = high = None
        index = _index(parts) if match is None and mailbox is None else ""
        conditions = []
        joins: dict[Join, None] = {}
        for part in parts:
            if isinstance(part, Dates):
                if part.first is not None:
                    low = max(part.first, low) if low is not None else part.first
                if part.limit is not None:
                    bound = part.limit + largest_shift
                    high = min(bound, high) if high is not None else bound
                if largest_shift:
                    conditions.append(_inside(part, largest_shift))
            elif part is match or part == Lies((mailbox,) if mailbox is not None else ()):
                continue
            elif index and isinstance(part, Flagged) and (part.flag, part.present) in _LISTED:
                conditions.append(Condition(f"m.{_LISTED[part.flag, part.present][1]}", needs_message=True))
            elif index and isinstance(part, Sized):
                conditions.append(Condition(*part.condition("m"), needs_message=True))
            elif (join := _joined_by(part)) is not None:
                joins[join] = None
            else:
                conditions.append(as_condition(part))
        if visible is not None:
            conditions.append(
                Condition(
                    f"EXISTS (SELECT 1 FROM {placements} v WHERE v.message = {_ROW}"  # noqa: S608 - names of ours
                    " AND +v.mailbox IN (SELECT value FROM json_each(?)))",
                    (visible,),
                )
            )
        conditions = [condition for condition in conditions if condition.sql != "1"]
        return cls(match, mailbox, low, high, tuple(conditions), tuple(joins), node == Truth(False), index)

    @property
    def is_out_of_order(self) -> bool:
        """Whether what drives it is not in the order of time."""
        return self.index == _BY_SIZE and self.match is None

    def in_order_of_time(self) -> "Selection":
        """The same, driven by all messages where that is not so."""
        return replace(self, index=_IN_ORDER_OF_TIME) if self.is_out_of_order else self

    @property
    def ranks(self) -> bool:
        """Whether relevance means anything: text is looked for."""
        return self.match is not None and self.match.words

    @property
    def is_costly(self) -> bool:
        """Whether it costs much to begin with, however few rows are taken: a merge or a sub-select comes first."""
        return (self.match is not None and self.match.prefix) or any(
            "search MATCH" in condition.sql for condition in self.conditions
        )

    @property
    def is_index_alone(self) -> bool:
        """Whether every row that an index gives belongs to it, and giving them again costs little."""
        if self.joins or self.conditions or self.is_costly:
            return False
        return self.mailbox is not None or (self.match is not None and not self.match.has_phrase)

    @property
    def is_everything(self) -> bool:
        bounded = self.low is not None or self.high is not None
        driven = self.match is not None or self.mailbox is not None
        return not (self.conditions or self.joins or driven or bounded or self.empty)

    def also(self, condition: Condition) -> "Selection":
        return replace(self, conditions=(*self.conditions, condition))

    def also_matching(self, match: Match) -> "Selection":
        """With another index expression, which drives from now on if there was none."""
        joined = both([self.match, match]) if self.match else match
        assert isinstance(joined, Match)
        if self.mailbox is None:
            return replace(self, match=joined)
        lies = _joined_by(Lies((self.mailbox,)))
        assert lies is not None
        return replace(self, match=joined, mailbox=None, joins=(lies, *self.joins))

    def sql(
        self,
        columns: str = _ROW,
        *,
        joined: str = "",
        given: Sequence[object] = (),
        tail: str = "",
        facts: str = "",
        source: str = "",
    ) -> tuple[str, list[object]]:
        """A SELECT and its parameters. `columns`, `joined` (further joins, with the parameters `given`) and `tail`
        (ORDER BY, LIMIT) may use `{row}`, and `m` if `joined` or a condition brings it in. With `facts`, a narrow
        index, `m` is there and read from that. Where everything is selected, it may come from `source`, which has `m`.
        """
        assert not source or (self.match is None and self.mailbox is None)
        parameters: list[object] = [parameter for join in self.joins for parameter in join.parameters]
        parameters.extend(given)
        where: list[str] = []
        needs_message = bool(facts) or any(condition.needs_message for condition in self.conditions)
        message = f"messages m INDEXED BY {facts}" if facts else "messages m"
        if source:
            row, needs_message = "m.id", False
        elif self.match is not None:
            source, row = "search", "search.rowid"
            where.append("search MATCH ?")
            parameters.append(self.match.expression)
        elif self.mailbox is not None:
            source, row = "placements d", "d.message"
            where.append("d.mailbox = ?")
            parameters.append(self.mailbox)
        else:
            if self.index and not facts:
                message = f"messages m INDEXED BY {self.index}"
            source, row, needs_message = message, "m.id", False
        if needs_message:
            source += f" CROSS JOIN {message} ON m.id = {row}"
        source += "".join(f" CROSS JOIN {join.sql}" for join in self.joins)
        for bound, sql in ((self.low, " >= ?"), (self.high, " < ?")):
            if bound is not None:
                where.append(row + sql)
                parameters.append(bound)
        for condition in self.conditions:
            where.append(condition.sql)
            parameters.extend(condition.parameters)
        if self.empty:
            where.append("0")
        conditions = " AND ".join(where) or "1"
        sql = f"SELECT {columns} FROM {source} {joined} WHERE {conditions} {tail}"  # noqa: S608 - values are parameters
        return sql.replace(_ROW, row), parameters


def _index(parts: Sequence[Node]) -> str:
    """The index of messages that drives a selection of all `parts`, which has neither an expression nor a mailbox to
    drive it. Empty where SQLite chooses."""
    for part in parts:
        if isinstance(part, Flagged) and (part.flag, part.present) in _LISTED:
            return _LISTED[part.flag, part.present][0]
    if not any(isinstance(part, Sized) for part in parts):
        return ""
    if any(isinstance(part, Condition) and part.needs_message for part in parts):
        return ""  # a thread or a Message-ID
    return _IN_ORDER_OF_TIME if any(isinstance(part, Dates) for part in parts) else _BY_SIZE


def _inside(dates: Dates, largest_shift: int) -> Condition:
    """The date itself decides, but has to be looked up only where a counted-up id can be on the wrong side."""
    first, limit = dates.first, dates.limit
    if first is not None and limit is not None:
        return Condition(
            "({row} >= ? AND {row} < ? OR (SELECT x.date >= ? AND x.date < ? FROM messages x WHERE x.id = {row}))",
            (first + largest_shift, limit, first, limit),
        )
    if first is not None:
        return Condition(
            "({row} >= ? OR (SELECT x.date >= ? FROM messages x WHERE x.id = {row}))", (first + largest_shift, first)
        )
    if limit is not None:
        return Condition("({row} < ? OR (SELECT x.date < ? FROM messages x WHERE x.id = {row}))", (limit, limit))
    return Condition("1")
