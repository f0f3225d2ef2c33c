"""The same through asyncio's loop."""

import asyncio
import sys

data = open(sys.argv[1], "rb").read(1200)


async def main():
    loop = asyncio.get_running_loop()
    make = getattr(loop, "_".join("create datagram endpoint".split()))
    transport, _ = await make(asyncio.DatagramProtocol, remote_addr=("2001:db8::10", 443))
    transport.sendto(data)


asyncio.run(main())
