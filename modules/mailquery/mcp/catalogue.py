"""All that this server offers, collected."""

from mailquery import __version__
from mailquery.mcp.attachment_texts import read_attachment
from mailquery.mcp.attachments import Link, get_attachment, list_attachments
from mailquery.mcp.awaiting import awaiting_reply
from mailquery.mcp.completions import completions
from mailquery.mcp.defaults import get_defaults, set_default
from mailquery.mcp.directory import list_accounts, list_mailboxes
from mailquery.mcp.instructions import INSTRUCTIONS
from mailquery.mcp.messages import read_message
from mailquery.mcp.people import find_people
from mailquery.mcp.prompts import PROMPTS
from mailquery.mcp.resources import resources
from mailquery.mcp.response_times import response_times
from mailquery.mcp.search import search_messages
from mailquery.mcp.similar import find_similar
from mailquery.mcp.statistics import mail_statistics
from mailquery.mcp.synchronising import sync_account, sync_status
from mailquery.mcp.threads import read_thread
from mailquery.services.inventory import Services
from mcpkit.protocol.declarations import Catalogue
from mcpkit.protocol.parameters import ParameterResolver
from mcpkit.protocol.stages.permitting import Allowed, everything
from mcpkit.security.identity import Principal


def catalogue(
    services: Services,
    parameters: ParameterResolver | None = None,
    allowed: Allowed = everything,
    link: Link | None = None,
) -> Catalogue:
    """`allowed` is the policy on what is offered, and `link` gives links to what is too large for an answer. Without
    `parameters` nothing can be set beforehand. Raises Fault CONFIGURATION where the environment sets an argument
    wrongly."""
    sync = sync_account(services)

    def may_sync(principal: Principal) -> bool:
        return principal.may(sync.permission) and allowed(principal, sync)

    offered = Catalogue(
        name="mailquery",
        title="Mail",
        version=__version__,
        instructions=INSTRUCTIONS,
        tools=(
            search_messages(services.search_messages, may_sync),
            find_similar(services.find_similar),
            read_message(services.read_message),
            read_thread(services.read_thread),
            list_mailboxes(services.list_mailboxes),
            list_accounts(services.list_accounts),
            list_attachments(services.list_attachments),
            read_attachment(services.read_attachment),
            get_attachment(services.get_attachment, link),
            mail_statistics(services.mail_statistics),
            response_times(services.response_times),
            awaiting_reply(services.awaiting_reply),
            find_people(services.find_people),
            sync,
            sync_status(services),
            *(tool(parameters, services.account_names, allowed) for tool in (get_defaults, set_default) if parameters),
        ),
        resources=tuple(resources(services)),
        prompts=PROMPTS,
        completions=tuple(completions(services)),
    )
    if parameters is not None:
        parameters.declare(offered.tools)
    return offered
