"""Declarations as the listings describe them."""

import mcp_types

from mcpkit.protocol.declarations import Prompt, Resource, Tool
from mcpkit.protocol.schemas import input_schema, output_schema


def described_tool(tool: Tool) -> mcp_types.Tool:  # type: ignore[type-arg] # of any arguments and result
    return mcp_types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=input_schema(tool.arguments),
        output_schema=output_schema(tool.result),
        annotations=mcp_types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.read_only,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=tool.open_world,
        ),
    )


def described_resource(resource: Resource) -> mcp_types.Resource:
    return mcp_types.Resource(
        uri=resource.uri,
        name=resource.name,
        title=resource.title,
        description=resource.description,
        mime_type=resource.mime_type,
    )


def described_template(resource: Resource) -> mcp_types.ResourceTemplate:
    return mcp_types.ResourceTemplate(
        uri_template=resource.uri,
        name=resource.name,
        title=resource.title,
        description=resource.description,
        mime_type=resource.mime_type,
    )


def described_prompt(prompt: Prompt) -> mcp_types.Prompt:
    return mcp_types.Prompt(
        name=prompt.name,
        title=prompt.title,
        description=prompt.description,
        arguments=[
            mcp_types.PromptArgument(name=argument.name, description=argument.description, required=argument.required)
            for argument in prompt.arguments
        ],
    )
