"""Temporal as it looks when the network drops: a proxy in front of it that hangs up for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

REQUESTS_OF_A_CLIENT_THAT_CONNECTS = 3
"""What it sends until it is connected: preface, acknowledgement, the question what the server can do."""


@asynccontextmanager
async def blinking(address: str, times: int) -> AsyncIterator[str]:
    """Where to reach it: after the first client has connected, so many connections are dropped, then all is well."""
    host, port = address.split(":")
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        first = connections == 1
        if 1 < connections <= times:
            writer.transport.abort()
            return
        to_reader, to_writer = await asyncio.open_connection(host, int(port))

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, cut: bool) -> None:
            seen = 0
            with suppress(OSError):
                while data := await source.read(65_536):
                    seen += 1
                    if cut and seen > REQUESTS_OF_A_CLIENT_THAT_CONNECTS:
                        writer.transport.abort()
                        break
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(pump(reader, to_writer, cut=first), pump(to_reader, writer, cut=False))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def hanging(address: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Where to reach it, and an event: until that is set connections are taken and nothing is answered."""
    host, port = address.split(":")
    answers = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answers.wait()
        to_reader, to_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_forward(reader, to_writer), _forward(to_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", answers
    finally:
        answers.set()
        server.close()


async def _forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()
