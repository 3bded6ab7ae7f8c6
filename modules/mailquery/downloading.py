"""Attachments that are too large for an answer, as downloads over HTTP."""

from collections.abc import Sequence
from pathlib import Path

from mailquery.domain.filenames import safe_name
from mailquery.mcp.arguments import visibility
from mailquery.mcp.resources import resources
from mailquery.services.inventory import Services
from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages import Stage
from mcpkit.security.tickets import Tickets
from mcpkit.transport.http.downloads import Download, Downloads

_PATH = "/attachments"


def downloads(
    services: Services, tickets: Tickets, stages: Sequence[Stage], resource: str | None, folder: Path
) -> Downloads:
    """`folder` is where files lie while they are sent. `resource` is the public URL of the server's endpoint, which
    ends in `/mcp`, where the settings name one. A download counts as the resource that gives the same: whoever may not
    read that may not have it either."""

    async def provide(call: Call, id: str) -> Download:
        # What the caller may see, and the operator's policy, as they are now.
        content = await services.get_attachment(visibility(call), id, limited=False)
        attachment = content.attachment
        name = safe_name(attachment.filename, attachment.content_type, attachment.found_type)
        return Download(name, content.data)

    (declared,) = (each for each in resources(services) if each.name == "attachment")
    base = resource.rstrip("/").removesuffix("/mcp") + _PATH if resource else None
    return Downloads(tickets, provide, declared, stages, path=_PATH, folder=folder, base=base)
