"""JSON-RPC messages of MCP in both of its eras, and what is wrong with them."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mailbench.fuzzing.arguments import Known, broken_arguments, hostile_arguments, right_arguments
from mailbench.fuzzing.documents import anything, mutated
from mailbench.fuzzing.strings import hostile

LEGACY = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = "2026-07-28"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
ENVELOPE = {
    VERSION_KEY: MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "fuzz", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_METHODS = (
    "ping",
    "initialize",
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "tasks/get",
    "tasks/cancel",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "rpc.discover",
    "TOOLS/CALL",
    "tools/call ",
    "",
)


@dataclass(frozen=True)
class Message:
    """`is_request` says that its envelope is right, so that it must be answered under its id."""

    kind: str
    document: Any
    is_request: bool = False


def handshake(request_id: object, version: str) -> dict[str, Any]:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "fuzz", "version": "1"}}
    return request(request_id, "initialize", params)


def request(request_id: object, method: str, params: object = None) -> dict[str, Any]:
    given = {} if params is None else {"params": params}
    return {"jsonrpc": "2.0", "id": request_id, "method": method, **given}


def message(rng: random.Random, request_id: str, known: Known, *, enveloped: float = 0.4) -> Message:
    """The next one; `request_id` is its id, unless the id is what is wrong. `enveloped` is the share of those that have
    the `_meta` which 2026-07-28 asks for."""
    make = rng.choices(_MAKERS, _WEIGHTS)[0]
    made = make(rng, request_id, known)
    params = made.document.get("params") if isinstance(made.document, dict) else None
    if isinstance(params, dict) and rng.random() < enveloped:
        params.setdefault("_meta", dict(ENVELOPE))
    return made


def _tool_call(rng: random.Random, request_id: str, known: Known) -> Message:
    name = rng.choice(list(known.tools))
    make: Callable[[random.Random, Any, Known], Any] = rng.choices(
        (right_arguments, hostile_arguments, broken_arguments), (1, 5, 4)
    )[0]
    params = {"name": name, "arguments": make(rng, known.tools[name], known)}
    return Message(f"tool: {make.__name__.replace('_', ' ')}", request(request_id, "tools/call", params), True)


def _resource(rng: random.Random, request_id: str, known: Known) -> Message:
    uri = rng.choice(known.uris)
    place = rng.randrange(len(uri))
    changed = rng.choice(
        (
            uri,
            uri[:place] + hostile(rng) + uri[place:],
            uri.partition("//")[0] + "//" + hostile(rng),
            uri + rng.choice(("/../../token.key", "%00", "?a=b", "#x", "/", "%2e%2e/", "{id}")),
            hostile(rng),
        )
    )
    return Message("resource", request(request_id, "resources/read", {"uri": changed}), True)


def _prompt(rng: random.Random, request_id: str, known: Known) -> Message:
    name, arguments = rng.choice(list(known.prompts.items()))
    given: dict[str, Any] = {each: hostile(rng) for each in arguments if rng.random() < 0.8}
    if rng.random() < 0.3:
        given[rng.choice([*arguments, hostile(rng)[:50]])] = anything(rng)
    params = {"name": name if rng.random() < 0.8 else hostile(rng), "arguments": given}
    return Message("prompt", request(request_id, "prompts/get", params), True)


def _completion(rng: random.Random, request_id: str, known: Known) -> Message:
    name, arguments = rng.choice(list(known.prompts.items()))
    reference: Any = rng.choice(
        (
            {"type": "ref/prompt", "name": name},
            {"type": "ref/resource", "uri": rng.choice(known.uris)},
            {"type": "ref/prompt", "name": hostile(rng)},
            {"type": hostile(rng)},
        )
    )
    argument: Any = {"name": rng.choice([*arguments, "x"]), "value": hostile(rng)}
    if rng.random() < 0.2:
        argument = anything(rng)
    params: dict[str, Any] = {"ref": reference, "argument": argument}
    if rng.random() < 0.2:
        params["context"] = anything(rng)
    return Message("completion", request(request_id, "completion/complete", params), True)


def _listing(rng: random.Random, request_id: str, known: Known) -> Message:
    method = rng.choice(("tools/list", "prompts/list", "resources/list", "resources/templates/list"))
    params = {"cursor": rng.choice((hostile(rng), anything(rng), rng.choice(known.texts["cursor"])))}
    return Message("listing", request(request_id, method, params), True)


def _method(rng: random.Random, request_id: str, known: Known) -> Message:
    method = rng.choice((*_METHODS, hostile(rng)[:300]))
    params = rng.choice((None, {}, {"_meta": dict(ENVELOPE)}, {hostile(rng)[:50]: anything(rng)}))
    return Message("method", request(request_id, method, params), True)


def _envelope(rng: random.Random, request_id: str, known: Known) -> Message:
    """The `_meta` that 2026-07-28 asks for, wrong; and state that no answer ever gave."""
    meta: Any = mutated(rng, ENVELOPE)
    if isinstance(meta, dict) and rng.random() < 0.5:
        meta[VERSION_KEY] = rng.choice(("2099-01-01", *LEGACY, "", 20260728, hostile(rng)))
    if isinstance(meta, dict) and rng.random() < 0.3:
        meta["progressToken"] = anything(rng)
    params: dict[str, Any] = {"name": "list_accounts", "arguments": {}, "_meta": meta}
    if rng.random() < 0.4:
        params["requestState"] = rng.choice((hostile(rng), anything(rng), rng.choice(known.texts["cursor"])))
        params["inputResponses"] = rng.choice(
            (anything(rng), {"ask": {"action": hostile(rng), "content": anything(rng)}})
        )
    return Message("envelope", request(request_id, "tools/call", params), True)


def _initialize(rng: random.Random, request_id: str, known: Known) -> Message:
    version = rng.choice((*LEGACY, MODERN, "1.0", hostile(rng)))
    right = handshake(request_id, version)
    if rng.random() < 0.5:
        return Message("initialize", right, True)
    return Message("initialize", {**right, "params": mutated(rng, right["params"])}, True)


def _rpc(rng: random.Random, request_id: str, known: Known) -> Message:
    """Wrong as JSON-RPC, whatever is in it."""
    right = request(request_id, "tools/call", {"name": "list_accounts", "arguments": {}})
    match rng.randrange(7):
        case 0:
            document: Any = {**right, "id": anything(rng)}
        case 1:
            document = {**right, "jsonrpc": rng.choice(("1.0", "2", 2.0, None, hostile(rng)))}
        case 2:
            document = {**right, hostile(rng)[:50]: anything(rng)}
        case 3:
            document = {"jsonrpc": "2.0", "id": rng.choice((request_id, 1, None)), "result": anything(rng)}
        case 4:
            document = {"jsonrpc": "2.0", "id": rng.choice((request_id, 1)), "error": anything(rng)}
        case 5:
            document = [right] * rng.choice((0, 1, 2, 200))
        case _:
            document = {**right, "method": anything(rng)}
    return Message("json-rpc", document)


def _notification(rng: random.Random, request_id: str, known: Known) -> Message:
    method = rng.choice(("initialized", "cancelled", "progress", "roots/list_changed", "message", hostile(rng)[:50]))
    params = rng.choice(
        (None, {"requestId": anything(rng)}, {"progressToken": anything(rng), "progress": anything(rng)})
    )
    return Message("notification", {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params or {}})


def _subscription(rng: random.Random, request_id: str, known: Known) -> Message:
    wanted = rng.choice(
        ({}, {"toolsListChanged": True}, {"resourceSubscriptions": [rng.choice(known.uris)]}, anything(rng))
    )
    params = {"notifications": wanted, "_meta": dict(ENVELOPE)}
    return Message("subscription", request(request_id, "subscriptions/listen", params))


def _mutant(rng: random.Random, request_id: str, known: Known) -> Message:
    document = _tool_call(rng, request_id, known).document
    for _ in range(rng.randrange(1, 4)):
        document = mutated(rng, document)
    return Message("mutant", document)


_MAKERS: Sequence[Callable[[random.Random, str, Known], Message]] = (
    _tool_call,
    _resource,
    _prompt,
    _completion,
    _listing,
    _method,
    _envelope,
    _initialize,
    _rpc,
    _notification,
    _subscription,
    _mutant,
)
_WEIGHTS = (34, 9, 6, 6, 4, 6, 8, 4, 8, 4, 1, 10)
