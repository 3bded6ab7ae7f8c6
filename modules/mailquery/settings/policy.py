"""The operator's policy."""

import re
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from mailquery.domain.media import Kind
from mailquery.domain.policy import HeaderRule, HeaderTest, Policy, compile_pattern
from mailquery.settings.group import Group

_FIELD_NAME = r"^[!-9;-~]{1,100}$"  # RFC 5322, section 2.2
_LONGEST_RULE = 1_000  # characters
_DOMAIN = re.compile(r"@?[^\s@./]+(?:\.[^\s@./]+)*\.?")
_MEDIA_TYPE = re.compile(r"[a-zA-Z0-9][\w!#$&^.+-]*/(?:\*|[a-zA-Z0-9][\w!#$&^.+-]*)", re.ASCII)
Name = Annotated[str, Field(min_length=1, max_length=_LONGEST_RULE, pattern=r"\S")]


class HeaderMatch(Group):
    """A rule on a header field: its `name`, and one of the others. `exact` and `contains` ignore case; `regex` is of
    RE2 (https://github.com/google/re2/wiki/Syntax) and is looked for anywhere in the value."""

    name: str = Field(pattern=_FIELD_NAME)
    exact: str | None = Field(default=None, min_length=1, max_length=_LONGEST_RULE)
    contains: str | None = Field(default=None, min_length=1, max_length=_LONGEST_RULE)
    regex: str | None = Field(default=None, min_length=1, max_length=_LONGEST_RULE)

    @model_validator(mode="after")
    def _one_test(self) -> "HeaderMatch":
        if len(self._given()) != 1:
            raise ValueError("a header rule needs exactly one of exact, contains and regex beside its name")
        if self.regex is not None:
            try:
                compile_pattern(self.regex)
            except ValueError as error:
                raise ValueError(f"the regex is none of RE2: {error}") from None
        return self

    def _given(self) -> list[tuple[HeaderTest, str]]:
        given = ((HeaderTest.EXACT, self.exact), (HeaderTest.CONTAINS, self.contains), (HeaderTest.REGEX, self.regex))
        return [(test, value) for test, value in given if value is not None]

    def rule(self) -> HeaderRule:
        ((test, value),) = self._given()
        return HeaderRule(self.name, test, value)


class OperatorPolicy(Group):
    """What nobody may see or use, whoever asks and by whatever transport. Mail that any of the `denied_` rules covers,
    or that is older than `date_floor` (midnight in `time_zone`), does not exist for a reader. `allowed_tools` None is
    all of them. Content of `denied_attachment_types` (kinds such as archive, MIME types, or image/*) is not given out.
    """

    allowed_tools: tuple[str, ...] | None = None
    denied_accounts: tuple[Name, ...] = ()
    denied_mailboxes: tuple[Name, ...] = ()
    denied_labels: tuple[Name, ...] = ()
    denied_senders: tuple[Name, ...] = ()
    denied_domains: tuple[Name, ...] = ()
    denied_headers: tuple[HeaderMatch, ...] = ()
    date_floor: date | None = None
    denied_attachment_types: tuple[Name, ...] = ()

    @field_validator("denied_senders")
    @classmethod
    def _addresses(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for entry in given:
            local, at, domain = entry.rpartition("@")
            if not (local and at and domain) or any(map(str.isspace, entry)):
                raise ValueError("each must be an address such as ana@example.com; domains belong to denied_domains")
        return given

    @field_validator("denied_domains")
    @classmethod
    def _domains(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for entry in given:
            if not _DOMAIN.fullmatch(entry):
                raise ValueError("each must be a domain such as example.com, which covers its subdomains too")
        return given

    @field_validator("denied_attachment_types")
    @classmethod
    def _types(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        kinds = [kind.value for kind in Kind]
        for entry in given:
            if not _MEDIA_TYPE.fullmatch(entry) and entry not in kinds:
                close = get_close_matches(entry, kinds, n=1, cutoff=0.5)
                hint = f"did you mean {close[0]}?" if close else f"kinds are {', '.join(kinds)}"
                raise ValueError(f"each must be a kind, a MIME type such as application/zip, or image/*; {hint}")
        return tuple(entry.lower() for entry in given)

    def policy(self, zone: ZoneInfo) -> Policy:
        floor = self.date_floor
        return Policy(
            accounts=self.denied_accounts,
            mailboxes=(*self.denied_mailboxes, *self.denied_labels),
            senders=self.denied_senders,
            domains=self.denied_domains,
            headers=tuple(match.rule() for match in self.denied_headers),
            date_floor=None if floor is None else int(datetime.combine(floor, time(), zone).timestamp()),
            attachment_types=self.denied_attachment_types,
        )
