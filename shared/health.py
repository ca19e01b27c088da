"""Which parts of the product are ready: `python -m shared.health` prints them and exits 0 or 1."""

import asyncio
import json
import sys

from shared import backlog
from shared.client import Client
from shared.errors import PregonError
from shared.outbox import job_queue_name
from shared.room import ROOMS


async def check_rooms() -> dict[str, str]:
    """`ok` or the reason, for every room."""
    client = Client()
    try:
        await client.start()
    except OSError as error:
        return dict.fromkeys(ROOMS, f"broker: {error}")
    try:
        replies = await asyncio.gather(*(_check(client, room) for room in ROOMS))
        return dict(zip(ROOMS, replies, strict=True))
    finally:
        await client.stop()


async def _check(client: Client, room: str) -> str:
    try:
        return await client.check_health(room)
    except PregonError as error:
        return str(error)


def check_workers() -> dict[str, str]:
    """`ok` or the reason, for the queues of every room: somebody must consume each."""
    names = [job_queue_name(room) for room in ROOMS]
    return {name: "ok" if backlog.count_consumers(name) else "no worker" for name in names}


def main() -> None:
    """Print one JSON object of part and state."""
    parts = asyncio.run(check_rooms()) | check_workers()
    print(json.dumps(parts))  # noqa: T201  # the command's answer
    sys.exit(0 if set(parts.values()) == {"ok"} else 1)


if __name__ == "__main__":
    main()
