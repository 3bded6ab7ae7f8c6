"""Words as expressions of the index."""

import sqlite3
from collections.abc import Sequence

from mailquery.domain.queries import TextField
from mailquery.domain.words import Phrase
from mailquery.repositories.sqlite.nodes import Match, quoted
from mailquery.repositories.sqlite.tokens import MARK

_COLUMNS = {
    TextField.SUBJECT: "subject : ",
    TextField.BODY: "{body quoted} : ",
    TextField.FILENAME: "filenames : ",
}
_EVERY_TEXT_COLUMN = "subject people body quoted filenames"
# Not in an index of an earlier form, nor where the policy of this process is not the one that they were indexed by.
_FINDS_ATTACHED = """
    SELECT EXISTS (SELECT 1 FROM pragma_table_info('search') WHERE name = 'attached')
       AND (SELECT is_policy_on_attachments(attachments) FROM policy)
"""


def finds_attached(connection: sqlite3.Connection) -> bool:
    """Whether the texts of attachments are searched."""
    return bool(connection.execute(_FINDS_ATTACHED).fetchone()[0])


def words_match(field: TextField, phrases: Sequence[Phrase], *, attached: bool) -> Match:
    """The index expression for any of `phrases`; `attached` is whether the texts of attachments are searched."""
    # The index's own tokens cannot be typed; text that tries to is kept to the columns of text.
    typed_mark = field is TextField.ANY and any(MARK in phrase.text for phrase in phrases)
    if field is TextField.ANY and attached and not typed_mark:
        columns = ""
    elif field is TextField.ANY:
        columns = f"{{{_EVERY_TEXT_COLUMN}{' attached' if attached else ''}}} : "
    elif field is TextField.ATTACHMENT:
        columns = "{filenames attached} : " if attached else "filenames : "
    else:
        columns = _COLUMNS[field]
    terms = " OR ".join(f"{quoted(phrase.text)}{' *' if phrase.prefix else ''}" for phrase in phrases)
    expression = f"({terms})" if len(phrases) > 1 else terms
    return Match(columns + expression, words=True, prefix=any(phrase.prefix for phrase in phrases))
