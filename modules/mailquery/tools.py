"""The names of the tools, for what names them before the tools are loaded: settings, variables, the policy."""

TOOLS = (
    "search_messages",
    "find_similar",
    "read_message",
    "read_thread",
    "list_mailboxes",
    "list_accounts",
    "list_attachments",
    "read_attachment",
    "get_attachment",
    "mail_statistics",
    "response_times",
    "awaiting_reply",
    "find_people",
    "sync_account",
    "sync_status",
    "get_defaults",
    "set_default",
)
