"""An upstream that is far away: a relay on loopback that holds every byte back for half of a round trip, each way.

python bench/far.py PORT-OF-UPSTREAM MILLISECONDS        prints its own port

Kernels can do that by themselves (netem), but not all of them have it. A connection costs a round trip before its first
byte, as TCP's handshake does.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

BLOCK = 1 << 18


class Far:
    """The relay as a process of its own, while a `with` block runs. `url` is that of the upstream seen through it."""

    def __init__(self, port: int, milliseconds: float) -> None:
        self._command = [sys.executable, str(Path(__file__).resolve()), str(port), str(milliseconds)]

    def __enter__(self) -> "Far":
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)


class End(asyncio.Protocol):
    """One end of a connection: what comes here leaves at the `other` end, later."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.other: asyncio.Future[asyncio.Transport] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self.delay, self._pass_on, data)

    def connection_lost(self, error: Exception | None) -> None:
        asyncio.get_running_loop().call_later(self.delay, self._pass_on, b"")

    def _pass_on(self, data: bytes) -> None:
        self.other.add_done_callback(lambda other: other.result().write(data) if data else other.result().close())


class Near(End):
    """The end that whoever asks has connected to."""

    def __init__(self, delay: float, port: int) -> None:
        super().__init__(delay)
        self._port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        asyncio.get_running_loop().create_task(self._connect(transport))

    async def _connect(self, mine: asyncio.BaseTransport) -> None:
        await asyncio.sleep(2 * self.delay)
        loop = asyncio.get_running_loop()
        theirs, end = await loop.create_connection(lambda: End(self.delay), "127.0.0.1", self._port)
        assert isinstance(mine, asyncio.Transport)
        end.other.set_result(mine)
        self.other.set_result(theirs)


async def relay(port: int, milliseconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Near(milliseconds / 2000, port), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(relay(int(sys.argv[1]), float(sys.argv[2])))
    except KeyboardInterrupt:
        sys.exit(130)
