"""How a server ends that is told to, as its clients and whoever watches it see it."""

import asyncio
import os
import signal

import anyio
import httpx2

from contract.conftest import running_workers
from contract.test_workers import ask_process, bare_processes, begin_session, message

DRAIN = 1.0  # seconds


async def test_a_server_finishes_what_runs_and_refuses_what_comes() -> None:
    with running_workers(drain=DRAIN) as (url, supervisor):
        ready = url.removesuffix("/mcp") + "/ready"
        session = await begin_session(url)
        workers = set(await bare_processes(url))
        async with (
            httpx2.AsyncClient(timeout=30, headers=session) as http,
            httpx2.AsyncClient(timeout=30, headers=session) as kept,  # all three at the session's worker
            httpx2.AsyncClient(timeout=30, headers=session) as owner,
        ):
            async with owner.stream("GET", url) as stream:
                assert stream.status_code == 200
                lasting = asyncio.create_task(http.post(url, json=message("tools/call", name="linger", arguments={})))
                assert (await kept.post(url, json=ask_process())).status_code == 200
                supervisor.terminate()
                for worker in workers:  # as a service manager does
                    os.kill(worker, signal.SIGTERM)
                with anyio.fail_after(10):
                    while await ready_status(ready) != 503:
                        await anyio.sleep(0.02)
                async with httpx2.AsyncClient(timeout=30) as new:
                    assert (await new.post(url, json=ask_process())).status_code == 200, "it drains, and answers"

                with anyio.fail_after(10):
                    while (refused := await kept.post(url, json=ask_process())).status_code == 200:
                        await anyio.sleep(0.02)
                assert refused.status_code == 503
                assert refused.json()["error"]["data"]["code"] == "SERVICE_UNAVAILABLE"
                assert int(refused.headers["retry-after"]) >= 1
                assert refused.headers["connection"] == "close"
                with anyio.fail_after(10):
                    assert [line async for line in stream.aiter_lines() if line.startswith("data:")] == []
            assert '"text":"finished"' in (await lasting).text
        with anyio.fail_after(10):
            while supervisor.poll() is None:
                await anyio.sleep(0.02)
        assert supervisor.returncode == 0


async def ready_status(url: str) -> int:
    async with httpx2.AsyncClient(timeout=30) as http:
        return (await http.get(url)).status_code
