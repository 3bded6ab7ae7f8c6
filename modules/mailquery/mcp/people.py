"""The tool that finds correspondents."""

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from mailquery.domain.counts import plural
from mailquery.mcp import shown
from mailquery.mcp.arguments import READ, SizedArguments, visibility
from mailquery.repositories.records import Person
from mailquery.services.directory import MOST_PEOPLE, FindPeople, FoundPeople
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool, Truncated, UntrustedResult
from mcpkit.security.untrusted import safe_line, untrusted

_MOST_NAMES = 4


class FindPeopleArguments(SizedArguments):
    text: str = Field(min_length=1, max_length=300, description="Part of a name or address; @domain for a company.")


class PersonShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    address: str
    names: list[str] | None = Field(default=None, description="Names seen with it, most used first.")
    sent: int = Field(description="Messages from this address.")
    received: int = Field(description="Messages to, cc or bcc this address.")
    first: str
    last: str

    @classmethod
    def of(cls, person: Person) -> "PersonShown":
        names = [safe_line(name, shown.NAME_CHARS) for name in person.names[:_MOST_NAMES]]
        return cls(
            address=safe_line(person.address, shown.ADDRESS_CHARS),
            names=[name for name in names if name] or None,
            sent=person.sent,
            received=person.received,
            first=shown.when(person.first)[:10],
            last=shown.when(person.last)[:10],
        )

    def as_text(self) -> str:
        names = f" ({', '.join(self.names)})" if self.names else ""
        return f"{self.address}{names} | {self.sent:,} sent | {self.received:,} received | {self.first} to {self.last}"


class PeopleResult(UntrustedResult):
    total: int = Field(description="How many addresses match.")
    at_least: bool | None = Field(default=None, description="True where there are more than `total`.")
    people: list[PersonShown] = Field(description="Those with most messages first. Dates are UTC.")
    truncated: Truncated | None = None

    _found: FoundPeople = PrivateAttr()
    _all: list[PersonShown] = PrivateAttr()

    @classmethod
    def of(cls, found: FoundPeople) -> "PeopleResult":
        base = cls(total=found.total.value, at_least=None if found.total.exact else True, people=[])
        base._found = found
        base._all = [PersonShown.of(person) for person in found.people]
        return base.keep(base.units())

    def units(self) -> int:
        """A step without rows, then the rows."""
        return len(self._all) + 1

    def keep(self, units: int) -> "PeopleResult":
        count = max(0, min(units - 1, len(self._all)))
        omitted = self.total - count
        truncated = None
        if omitted > 0 or count < len(self._all):
            truncated = Truncated(
                unit="people", returned=count, omitted=max(1, omitted), next="a longer `text`, or a larger max_chars"
            )
        return self.model_copy(update={"people": self._all[:count], "truncated": truncated})

    def as_text(self) -> str:
        number = plural(self.total, "address", "addresses")
        lines = [f"{'at least ' if self.at_least else ''}{number}, those with most messages first."]
        if self.people:
            lines.append(untrusted("\n".join(person.as_text() for person in self.people)))
        if self.truncated:
            lines.append(f"{self.truncated.omitted:,} more: {self.truncated.next}")
        return "\n".join(lines)


def find_people(find: FindPeople) -> Tool[FindPeopleArguments, PeopleResult]:
    async def handler(call: Call, arguments: FindPeopleArguments) -> PeopleResult:
        return PeopleResult.of(await find(visibility(call), arguments.text, limit=MOST_PEOPLE))

    return Tool(
        name="find_people",
        title="Find people",
        description=(
            "Find correspondents by part of a name or address: their addresses, the names seen with them, how many "
            "messages they sent and received, first and last contact. Use it to learn the address before from: or "
            "to:."
        ),
        arguments=FindPeopleArguments,
        result=PeopleResult,
        permission=READ,
        preset=("max_chars",),
        handler=handler,
        untrusted=True,
    )
