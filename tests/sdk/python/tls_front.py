"""TLS in front of a server on loopback: ends it with a certificate that is made for this run, and hands on the bytes. Prints its port, and then the name
that each client asks for (SNI), a line each.

The plan: `target`, the server's port; `names`, those in the certificate; `ca`, the file to write the trusted authority's certificate into; `fault`, null or
what is wrong with the certificate: `stranger` (another authority has signed it) or `expired`.
"""

import asyncio
import datetime
import ssl

import trustme
from steps import PLAN


def context():
    trusted = trustme.CA()
    trusted.cert_pem.write_to_path(PLAN["ca"])
    authority = trustme.CA() if PLAN["fault"] == "stranger" else trusted
    # Valid from 2000 on by default.
    ended = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    certificate = authority.issue_cert(*PLAN["names"], not_after=ended if PLAN["fault"] == "expired" else None)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(served)
    served.sni_callback = lambda _socket, name, _context: print(name, flush=True)
    return served


async def hand_on(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def front(reader, writer):
    try:
        beyond = await asyncio.open_connection("127.0.0.1", PLAN["target"])
    except ConnectionError:
        writer.close()
        return
    await asyncio.gather(hand_on(reader, beyond[1]), hand_on(beyond[0], writer))


async def main():
    server = await asyncio.start_server(front, "127.0.0.1", 0, ssl=context())
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
