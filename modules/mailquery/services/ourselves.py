"""Knowing whose mail it is."""

import math
from collections import defaultdict
from collections.abc import Sequence

from mailquery.domain.ourselves import Ourselves
from mailquery.repositories.interfaces import ConversationRepository
from mailquery.repositories.records import Visibility
from mcpkit.errors import ErrorCode, Fault

_LEAST_SHARE = 0.02  # of an account's sent mail: a stray message in the sent folder makes nobody its owner


class FindOurselves:
    """`me` are addresses and @domains of the settings, which win over what the mail tells."""

    def __init__(self, conversations: ConversationRepository, me: Sequence[str]) -> None:
        self._conversations = conversations
        self._me = Ourselves.named(me)

    async def __call__(self, visible: Visibility) -> Ourselves:
        """From the settings, else the senders of the mail in mailboxes for sent mail. Raises `CONFIGURATION` where
        neither tells."""
        if self._me:
            return self._me
        by_account: dict[str, dict[str, int]] = defaultdict(dict)
        for account, address, messages in await self._conversations.senders_of_sent(visible):
            by_account[account][address] = messages
        found = Ourselves(
            frozenset(
                address
                for senders in by_account.values()
                for address, messages in senders.items()
                if messages >= math.ceil(_LEAST_SHARE * sum(senders.values()))
            )
        )
        if not found:
            raise Fault(
                ErrorCode.CONFIGURATION,
                "Whose mail this is cannot be known: there is no mailbox of sent mail. Set your addresses, such as "
                "MAILQUERY_ME=ana@example.com,@acme.example in the server's environment, or `me` in a settings file; "
                "or import the mailbox of sent mail.",
                details={"setting": "me"},
            )
        return found
