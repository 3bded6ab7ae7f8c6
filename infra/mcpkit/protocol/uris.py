"""URIs of resources and what the variables of a template stand for in them (RFC 6570)."""

from collections.abc import Iterable
from functools import lru_cache

from mcp.shared.uri_template import UriTemplate

from mcpkit.protocol.declarations import Resource


def find_resource(resources: Iterable[Resource], uri: str) -> Resource | None:
    """The resource that answers for `uri`: that of the very URI before any template."""
    templates = []
    for resource in resources:
        if resource.uri == uri:
            return resource
        if resource.is_template:
            templates.append(resource)
    return next((template for template in templates if _parsed(template.uri).match(uri) is not None), None)


def uri_variables(template: str, uri: str) -> dict[str, str]:
    """The decoded values; empty for a URI without variables. `uri` matches `template`."""
    if "{" not in template:
        return {}
    matched = _parsed(template).match(uri) or {}
    return {name: value for name, value in matched.items() if isinstance(value, str)}


@lru_cache(maxsize=256)
def _parsed(template: str) -> UriTemplate:
    return UriTemplate.parse(template)
