"""A Starlette route that runs the SQL that mailquery ran for a call, on one connection and in the loop's own thread,
and answers the JSON that mailquery answered. No protocol, identity, validation, audit, ranking or cleaning.

Arguments: a port, the recordings, and the archive's home."""

import pickle
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from mailbench.load.calls import ToolCall
from mailbench.load.recording import Recording
from mcpkit.database.connections import connect


def application(recordings: Path, home: Path) -> Starlette:
    known: dict[str, Recording] = pickle.loads(recordings.read_bytes())
    connection = connect(home / "archive.db", read_only=True)
    connection.create_function("is_policy_on_attachments", 1, lambda _: 1)

    async def call(request: Request) -> JSONResponse:
        asked = await request.json()
        params = asked["params"]
        recorded = known[ToolCall(params["name"], params["arguments"]).key]
        for sql, values in recorded.statements:
            connection.execute(sql, values).fetchall()
        return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": recorded.result})

    return Starlette(routes=[Route("/call", call, methods=["POST"])])


if __name__ == "__main__":
    app = application(Path(sys.argv[2]), Path(sys.argv[3]))
    uvicorn.run(app, port=int(sys.argv[1]), loop="asyncio", access_log=False, log_level="warning")
