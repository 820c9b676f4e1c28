"""Many slow downloaders: each takes some kilobytes of a large file now and then, and begins anew when it has it all.

    python -m bench.slow URL COUNT

It prints a line once all of them are receiving, and goes on until it is killed.
"""

import selectors
import socket
import sys
import time
from urllib.parse import urlsplit

# In bytes, and seconds: 64 KiB a second each.
TAKEN, EACH = 16384, 0.25


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    made = socket.create_connection((parts.hostname, parts.port or 80))
    # What the kernel would take beforehand would not be slow.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
    made.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    made.setblocking(False)
    return made


def main(url: str, count: int) -> None:
    with selectors.DefaultSelector() as waiting:
        for _ in range(count):
            waiting.register(connected(url), selectors.EVENT_READ)
        receiving: set[int] = set()
        said = False
        while True:
            begun = time.monotonic()
            for key, _ in waiting.select(timeout=EACH):
                client = key.fileobj
                assert isinstance(client, socket.socket)
                if client.recv(TAKEN):
                    receiving.add(key.fd)
                else:
                    waiting.unregister(client)
                    client.close()
                    waiting.register(connected(url), selectors.EVENT_READ)
            if len(receiving) >= count and not said:
                said = True
                print("all are receiving", flush=True)
            time.sleep(max(0.0, begun + EACH - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
