"""The fault server: ``python -m tests.hostile.server`` listens on loopback and prints its address.

``/<number of a fault>/v1/chat/completions`` has that fault. ``/mixed/v1/…`` has every third answer right and
the others cycle through all faults that do not stop a run; its first answers are right, as those of a server
that works and then fails. ``/stats`` counts what was sent, and what came to the trap, a second port that only
redirects name.
"""

import asyncio
import contextlib
import itertools
import json
import random
from collections import Counter

from tests.hostile import faults_of_content, faults_of_streams, faults_of_transport
from tests.hostile.exchange import Exchange, Fault

FAULTS: tuple[Fault, ...] = (
    *faults_of_transport.faults(),
    *faults_of_content.faults(),
    *faults_of_streams.faults(),
)
MIXED = [fault for fault in FAULTS if not fault.fatal and not fault.slow]
random.Random(7).shuffle(MIXED)  # so that each part of a drive meets every family
RIGHT_FIRST = 64
"""Right answers before the first fault of a mixture: a request error before any answer stops a run."""


class FaultServer:
    """Answers with faults and counts them."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.trapped = 0
        self._asked: Counter[str] = Counter()
        self._next = itertools.cycle(MIXED)
        self._trap = ""

    async def run(self) -> None:
        """Serves until the process is ended; prints the address first."""
        faults_of_content.prepare()
        trap = await asyncio.start_server(self._caught, "127.0.0.1", 0)
        self._trap = f"http://127.0.0.1:{trap.sockets[0].getsockname()[1]}"
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()

    async def _caught(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.trapped += 1
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            exchange = await self._read(reader, writer)
            gone = asyncio.create_task(reader.read())
            working = asyncio.create_task(self._answer(exchange))
            await asyncio.wait({gone, working}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                working.cancel()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await working
            gone.cancel()
        writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head[1:] if line
        }
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        body = json.loads(content) if content else {}
        return Exchange(reader, writer, head[0].split()[1], headers, body, self._trap)

    async def _answer(self, exchange: Exchange) -> None:
        mode = exchange.path.split("/")[1]
        if mode == "stats":
            await exchange.send(200, {"sent": self.sent, "trapped": self.trapped})
            return
        if exchange.path.endswith("/models"):
            await exchange.send(200, {"data": [{"id": "hostile-model"}]})
            return
        if not mode.startswith("mixed"):
            fault = FAULTS[int(mode)]
            self.sent[fault.name] += 1
            await fault.act(exchange)
            return
        self._asked[mode] += 1
        if self._asked[mode] <= RIGHT_FIRST or self._asked[mode] % 3 == 0:
            self.sent["right"] += 1
            await exchange.answer(exchange.completion())
            return
        fault = next(self._next)
        self.sent[fault.name] += 1
        await fault.act(exchange)


if __name__ == "__main__":
    asyncio.run(FaultServer().run())
