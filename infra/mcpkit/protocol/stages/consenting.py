"""What a call touches is narrowed to what its user consented to, who is asked where nothing was decided yet."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.asking import input_required
from mcpkit.protocol.calls import Answer, Call, Form
from mcpkit.protocol.declarations import Completion, Declaration, Resource, Tool
from mcpkit.protocol.questions import OpenQuestions
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.security.consent.consents import Choice, Consents, Mode, Need, Standing, Verdict
from mcpkit.security.tokens import SignedTokens

_PURPOSE = "answer to a question about consent"
_LASTS = 600.0  # seconds for which a question can be answered
_FIELD = "answer"
_CANCELLED = "cancelled"  # an outcome beside the choices

Pair = tuple[str, str]  # capability, resource


@dataclass(frozen=True, slots=True)
class Touched:
    """The resources that a call may touch: all that its principal may see, and the one that its arguments name."""

    visible: tuple[str, ...]
    named: str | None = None

    @property
    def wanted(self) -> tuple[str, ...]:
        return self.visible if self.named is None else (self.named,)


@dataclass(frozen=True, slots=True)
class Question:
    """What consent is missing for, as pairs of capability and resource. `fresh` where only consent given after
    untrusted text was shown will do; `refused` where a person said no to some of it."""

    user: str
    pairs: tuple[Pair, ...]
    fresh: bool = False
    refused: bool = False

    @property
    def capabilities(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(capability for capability, _ in self.pairs))

    @property
    def resources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(resource for _, resource in self.pairs))


class Terms(Protocol):
    """What a server's own domain says about consent. Every word of a question is the server's."""

    capabilities: frozenset[str]
    """What needs consent; any other permission needs none."""

    title: str
    """Of the answer to a question."""

    choices: Mapping[str, Choice]
    """The answers as they are shown."""

    async def touched(self, call: Call) -> Touched: ...

    def message(self, question: Question) -> str: ...

    def required(self, question: Question) -> Fault:
        """CONSENT_REQUIRED, with the command that gives it."""
        ...


class Consent:
    """A call whose user consented to some of what it touches goes on with that, in the principal's `accounts`; with
    none of it, it is refused. A completion never asks."""

    def __init__(self, consents: Consents, terms: Terms, tokens: SignedTokens) -> None:
        self._consents = consents
        self._terms = terms
        self._tokens = tokens
        self._questions = OpenQuestions()

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        needs = self._needs(call)
        if needs:
            question = await self._settle(call, needs)
            if question is not None:
                return question
        reply = await proceed(call)
        if getattr(call.declaration, "untrusted", False):
            # Before the answer leaves: what follows from it must find this recorded.
            await self._consents.exposed(call.caller.user, call.caller.client, call.transport)
        return reply

    def _needs(self, call: Call) -> list[Need]:
        declaration = call.declaration
        assert declaration is not None, "a call without a declaration"
        if isinstance(declaration, Tool) and not declaration.needs_consent:
            return []
        needs = [Need(declaration.permission, _is_sensitive(declaration))]
        if isinstance(declaration, Tool) and declaration.capabilities is not None:
            needs += [Need(capability, sensitive=True) for capability in declaration.capabilities(call.given)]
        return [need for need in needs if need.capability in self._terms.capabilities]

    async def _settle(self, call: Call, needs: Sequence[Need]) -> Reply | None:
        """Narrows the call to what is consented to. Gives the reply that asks, where the call ends with a question.

        Raises:
            Fault: CONSENT_REQUIRED; FORBIDDEN where the operator allows none.
        """
        if self._consents.rules.mode(call.transport) is Mode.DENY:
            call.reason = "consent: deny"
            raise Fault(ErrorCode.FORBIDDEN, "The operator of this server does not allow this.")
        standing = await self._standing(call, needs)
        if all(standing.everywhere(need) for need in needs):
            return None
        touched = await self._terms.touched(call)
        allowed: frozenset[Pair] = frozenset()
        missing = _missing(call, needs, touched.wanted, standing, Verdict.OPEN)
        if missing is not None and not isinstance(call.declaration, Completion):
            answered = await self._answer(call, missing)
            if isinstance(answered, Reply):
                call.reason = f"consent to {', '.join(missing.capabilities)} is asked for"
                return answered
            allowed = answered
            standing = await self._standing(call, needs)

        def may(resource: str) -> bool:
            return all(
                (need.capability, resource) in allowed or standing.of(need, resource) is Verdict.GRANTED
                for need in needs
            )

        accounts = frozenset(resource for resource in touched.visible if may(resource))
        if touched.wanted and not accounts.intersection(touched.wanted):
            lacking = _missing(call, needs, touched.wanted, standing, Verdict.OPEN, Verdict.REFUSED)
            assert lacking is not None, "what is not allowed is open or refused"
            call.reason = f"no consent to {', '.join(lacking.capabilities)}"
            raise self._terms.required(lacking)
        call.principal = replace(call.caller, accounts=accounts)
        return None

    async def _standing(self, call: Call, needs: Sequence[Need]) -> Standing:
        return await self._consents.standing(call.caller.user, call.caller.client, call.transport, needs)

    async def _answer(self, call: Call, question: Question) -> frozenset[Pair] | Reply:
        """What the person allows to this call, beside what was decided before; or the reply that asks them."""
        if call.asking.state is not None:
            heard = await self._hear(call, question, call.asking.state)
            if heard is not None:
                return heard
        if not call.asking.possible:
            return frozenset()
        key = _key(call, question)
        # A call made again has had its question: it may be its own that is still open.
        while call.asking.state is None and self._questions.is_asked(key):
            outcome = await self._questions.outcome(key)
            if outcome is not None:
                return _allowed(outcome, question)
        asking = secrets.token_urlsafe(12)
        if call.asking.ask is None:
            self._questions.begin(key, attended=False)
            return Reply(None, input_required(self._form(question), self._seal(call, question, asking)))
        self._questions.begin(key, attended=True)
        outcome = None
        try:
            choice = self._chosen(question, await call.asking.ask(self._form(question)))
            if choice is not None:
                await self._record(call, question, choice, asking)
            outcome = choice or _CANCELLED
        finally:
            self._questions.end(key, outcome)
        return _allowed(outcome, question)

    async def _hear(self, call: Call, question: Question, state: str) -> frozenset[Pair] | None:
        """What the answer that came with `state` allows to this call. None where it answers no question that is open:
        it came too late, was used before, or other consent is missing by now.

        Raises:
            Fault: VALIDATION_ERROR, where the state is not what this server gave this caller for this call.
        """
        try:
            sealed = self._tokens.open(_PURPOSE, state)
        except Fault:
            raise _foreign() from None
        if sealed.get("call") != _call_digest(call):
            raise _foreign()
        if sealed["question"] != _question_digest(question) or sealed["until"] <= self._consents.clock():
            return None
        choice = self._chosen(question, call.asking.answer)
        if choice is not None and not await self._record(call, question, choice, sealed["asking"]):
            return None
        outcome = choice or _CANCELLED
        self._questions.end(_key(call, question), outcome)
        return _allowed(outcome, question)

    async def _record(self, call: Call, question: Question, choice: Choice, asking: str) -> bool:
        return await self._consents.answered(question.user, question.pairs, choice, asking, call.caller.client)

    def _seal(self, call: Call, question: Question, asking: str) -> str:
        return self._tokens.seal(
            _PURPOSE,
            {
                "call": _call_digest(call),
                "question": _question_digest(question),
                "asking": asking,
                "until": self._consents.clock() + _LASTS,
            },
        )

    def _form(self, question: Question) -> Form:
        return Form(self._terms.message(question), _FIELD, self._terms.title, tuple(self._terms.choices))

    def _chosen(self, question: Question, answer: Answer | None) -> Choice | None:
        """None is no choice: dismissed, or malformed. Whoever declines says no."""
        if answer is None:
            return None
        if answer.action == "decline":
            return Choice.NO
        chosen = answer.chosen(self._form(question))
        return None if chosen is None else self._terms.choices[chosen]


def _is_sensitive(declaration: Declaration) -> bool:
    return isinstance(declaration, Tool | Resource) and declaration.sensitive


def _missing(
    call: Call, needs: Sequence[Need], resources: Sequence[str], standing: Standing, *verdicts: Verdict
) -> Question | None:
    """What of `resources` stands at one of `verdicts`."""
    found = [
        (need, resource, verdict)
        for resource in resources
        for need in needs
        if (verdict := standing.of(need, resource)) in verdicts
    ]
    # A resource that was refused for one need is not asked for again for another one.
    refused = {each for each in resources if any(standing.of(need, each) is Verdict.REFUSED for need in needs)}
    if Verdict.REFUSED not in verdicts:
        found = [each for each in found if each[1] not in refused]
    if not found:
        return None
    return Question(
        user=call.caller.user,
        pairs=tuple((need.capability, resource) for need, resource, _ in found),
        fresh=standing.tainted is not None and any(need.sensitive for need, _, _ in found),
        refused=any(verdict is Verdict.REFUSED for _, _, verdict in found),
    )


def _allowed(outcome: str, question: Question) -> frozenset[Pair]:
    return frozenset() if outcome in (Choice.NO, _CANCELLED) else frozenset(question.pairs)


def _key(call: Call, question: Question) -> str:
    """Of one caller and one question; where consent must be fresh of one call, so that "once" covers no other."""
    parts = [question.user, call.caller.client, _question_digest(question)]
    return _digest([*parts, _call_digest(call)] if question.fresh else parts)


def _call_digest(call: Call) -> str:
    """Of the caller and the call, arguments and all."""
    caller = call.caller
    arguments = call.arguments if call.resolved is None else call.resolved
    return _digest([caller.user, caller.client, call.kind, call.name, arguments])


def _question_digest(question: Question) -> str:
    return _digest([question.pairs, question.fresh])


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _foreign() -> Fault:
    return Fault(
        ErrorCode.VALIDATION_ERROR,
        "`requestState` is not what this server gave for this call. Make the call anew, without it.",
    )
