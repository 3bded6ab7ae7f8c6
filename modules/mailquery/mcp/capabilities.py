"""What consent can be given to. The command line reads it too, and must not load the protocol for it."""

from collections.abc import Mapping

from mailquery.mcp.arguments import ATTACHMENTS, READ, SECRETS, STATISTICS, SYNC

# What each capability lets an assistant do, as it is put to a person.
CAPABILITIES: Mapping[str, str] = {
    READ: "search and read your mail",
    ATTACHMENTS: "open attached files",
    STATISTICS: "see statistics of your mail",
    SYNC: "fetch new mail from the mail server",
    SECRETS: "see one-time codes and password links in your mail, which are masked otherwise",
}
