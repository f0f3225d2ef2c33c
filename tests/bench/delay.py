"""`python -m tests.bench.delay PORT MILLISECONDS`: a TCP door to PORT on loopback; each way takes that long.

It prints its own port, and ends when its input does. Nothing is lost and the rate is not limited.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

CHUNK = 256 * 1024
HELD = 64 << 20  # bytes under way in one direction


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD // CHUNK)
    loop = asyncio.get_running_loop()

    async def deliver() -> None:
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    delivering = asyncio.create_task(deliver())
    try:
        data = b"?"
        while data:
            data = await reader.read(CHUNK)
            await under_way.put((loop.time() + delay_s, data))
        await delivering
    except OSError:
        delivering.cancel()
        writer.close()


async def serve(port: int, delay_s: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, out = await asyncio.open_connection("127.0.0.1", port, limit=CHUNK)
        for end in (writer, out):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.gather(carry(reader, out, delay_s), carry(back, writer, delay_s))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=CHUNK)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextlib.contextmanager
def door(port: int, milliseconds: float) -> Iterator[int]:
    """The port of a door in a process of its own."""
    words = [sys.executable, "-m", "tests.bench.delay", str(port), str(milliseconds)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
