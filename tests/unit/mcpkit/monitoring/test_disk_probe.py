import asyncio
import os
import stat
from pathlib import Path

from mcpkit.monitoring.disk_probe import DiskProbe


async def test_it_writes_one_page_that_is_its_owners_alone(tmp_path: Path) -> None:
    probe = DiskProbe(tmp_path / "probe")
    seconds = [await probe() for _ in range(2)]
    assert all(each is not None and each > 0 for each in seconds)
    found = (tmp_path / "probe").stat()
    assert (found.st_size, stat.S_IMODE(found.st_mode)) == (4096, 0o600)


async def test_where_nothing_can_be_written_nobody_knows(tmp_path: Path) -> None:
    assert await DiskProbe(tmp_path / "gone" / "probe")() is None


async def test_all_who_ask_while_it_hangs_wait_for_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "probe")  # cannot be synchronised nor read at a place, but opened without waiting
    probe = DiskProbe(tmp_path / "probe")
    asked = [asyncio.create_task(probe()) for _ in range(20)]
    await asyncio.sleep(0)
    assert len({id(probe._under_way)}) == 1
    assert await asyncio.gather(*asked) == [None] * 20
