"""localstripe, a stateful fake of Stripe, on a free port of the loopback interface. Prints the port and serves until it is killed.

Its own command listens on every interface and keeps its objects in a file under /tmp that any user can have put there; this keeps nothing.
"""

import asyncio

from aiohttp import web
from localstripe import resources, server

resources.Store.dump_to_disk = lambda store: None


async def main():
    runner = web.AppRunner(server.app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
