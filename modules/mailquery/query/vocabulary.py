"""The words that stand for something after `is:`, `has:`, `type:` and `in:`, and what they stand for."""

from collections.abc import Mapping

from mailquery.domain.media import Kind
from mailquery.domain.queries import Everything, Feature, Has, InMailbox, Is, Not, OfType, Or, Query, State

STATES: Mapping[str, Query] = {
    **{state.value: Is(state) for state in State},
    "seen": Is(State.READ),
    "unseen": Is(State.UNREAD),
    "flagged": Is(State.STARRED),
    "unstarred": Not(Is(State.STARRED)),
    "unflagged": Not(Is(State.STARRED)),
    "replied": Is(State.ANSWERED),
    "unanswered": Not(Is(State.ANSWERED)),
    "unreplied": Not(Is(State.ANSWERED)),
    "important": InMailbox("important"),
}

FEATURES: Mapping[str, Query] = {
    **{feature.value: Has(feature) for feature in Feature},
    **{f"{feature.value}s": Has(feature) for feature in Feature},
    "file": Has(Feature.ATTACHMENT),
    "files": Has(Feature.ATTACHMENT),
    "url": Has(Feature.LINK),
    "invite": Has(Feature.CALENDAR),
    "invitation": Has(Feature.CALENDAR),
    "event": Has(Feature.CALENDAR),
    "photo": Has(Feature.IMAGE),
    "photos": Has(Feature.IMAGE),
    "picture": Has(Feature.IMAGE),
    "pictures": Has(Feature.IMAGE),
    **{
        kind.value: OfType(kind.value)
        for kind in (Kind.PDF, Kind.AUDIO, Kind.VIDEO, Kind.SPREADSHEET, Kind.PRESENTATION, Kind.CONTACT, Kind.ARCHIVE)
    },
}

KINDS: Mapping[str, Kind] = {
    **{kind.value: kind for kind in Kind},
    **{f"{kind.value}s": kind for kind in Kind if kind is not Kind.AUDIO},
    "photo": Kind.IMAGE,
    "picture": Kind.IMAGE,
    "word": Kind.DOCUMENT,
    "excel": Kind.SPREADSHEET,
    "powerpoint": Kind.PRESENTATION,
    "slides": Kind.PRESENTATION,
    "invite": Kind.CALENDAR,
}

# Gmail's names, and the two that most stores use for the same thing.
MAILBOXES: Mapping[str, Query] = {
    **dict.fromkeys(("anywhere", "all", "everywhere"), Everything()),
    "draft": InMailbox("drafts"),
    "spam": Or((InMailbox("spam"), InMailbox("junk"))),
    "bin": Or((InMailbox("bin"), InMailbox("trash"))),
    "starred": Is(State.STARRED),
}
