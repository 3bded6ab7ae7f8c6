"""The SELECT that a compiled query becomes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailquery.repositories.sqlite.nodes import Both, Condition, Dates, Flagged, Lies, Match, Node, Sized, Truth, both
from mailquery.repositories.sqlite.predicates import IN_ORDER_OF_TIME, LISTED, ROW, Join, as_condition, joined_by

_BY_SIZE = "messages_by_size"


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
            elif index and isinstance(part, Flagged) and (part.flag, part.present) in LISTED:
                conditions.append(Condition(f"m.{LISTED[part.flag, part.present][1]}", needs_message=True))
            elif index and isinstance(part, Sized):
                conditions.append(Condition(*part.condition("m"), needs_message=True))
            elif (join := joined_by(part)) is not None:
                joins[join] = None
            else:
                conditions.append(as_condition(part))
        if visible is not None:
            conditions.append(
                Condition(
                    f"EXISTS (SELECT 1 FROM {placements} v WHERE v.message = {ROW}"  # noqa: S608 - names of ours
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
        return replace(self, index=IN_ORDER_OF_TIME) if self.is_out_of_order else self

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
        lies = joined_by(Lies((self.mailbox,)))
        assert lies is not None
        return replace(self, match=joined, mailbox=None, joins=(lies, *self.joins))

    def sql(
        self,
        columns: str = ROW,
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
        return sql.replace(ROW, row), parameters


def _index(parts: Sequence[Node]) -> str:
    """The index of messages that drives a selection of all `parts`, which has neither an expression nor a mailbox to
    drive it. Empty where SQLite chooses."""
    for part in parts:
        if isinstance(part, Flagged) and (part.flag, part.present) in LISTED:
            return LISTED[part.flag, part.present][0]
    if not any(isinstance(part, Sized) for part in parts):
        return ""
    if any(isinstance(part, Condition) and part.needs_message for part in parts):
        return ""  # a thread or a Message-ID
    return IN_ORDER_OF_TIME if any(isinstance(part, Dates) for part in parts) else _BY_SIZE


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
