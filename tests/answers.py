"""What an upstream of the tests can send: bodies held in memory or made up as they are sent, and answers with them."""

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

BLOCK = 65536


class Body:
    """Bytes of a known size that can be read from anywhere, block by block."""

    def __init__(self, size: int) -> None:
        self.size = size

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        raise NotImplementedError

    def read(self) -> bytes:
        return b"".join(self.blocks(0, self.size))

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for block in self.blocks(0, self.size):
            digest.update(block)
        return digest.hexdigest()


class Held(Body):
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__(len(data))
        self.data = data

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop, BLOCK):
            yield self.data[at : min(at + BLOCK, stop)]


class Pattern(Body):
    """Bytes made up from a seed as they are sent: any size, no memory. Each block carries its number."""

    def __init__(self, size: int, seed: int) -> None:
        super().__init__(size)
        self._tail = random.Random(seed).randbytes(BLOCK - 8)

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:
            number, offset = divmod(start, BLOCK)
            block = (number.to_bytes(8, "big") + self._tail)[offset : offset + stop - start]
            yield block
            start += len(block)


class Spoiled(Body):
    """Another body with the byte at one place inverted."""

    def __init__(self, body: Body, at: int) -> None:
        super().__init__(body.size)
        self._body, self._at = body, at

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        for block in self._body.blocks(start, stop):
            if start <= self._at < start + len(block):
                here = self._at - start
                block = block[:here] + bytes([block[here] ^ 0xFF]) + block[here + 1 :]
            yield block
            start += len(block)


class Resized(Body):
    """Another body cut off, or filled up with zeros, at a size."""

    def __init__(self, body: Body, size: int) -> None:
        super().__init__(max(size, 0))
        self._body = body

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        edge = min(stop, self._body.size)
        yield from self._body.blocks(start, edge)
        for at in range(max(start, edge), stop, BLOCK):
            yield bytes(min(BLOCK, stop - at))


@dataclass(frozen=True)
class Answer:
    """A status line, headers and the bytes `start` to `stop` of a body."""

    status: int
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)
    start: int = 0
    stop: int = 0

    @classmethod
    def whole(cls, status: int, body: Body, headers: Mapping[str, str]) -> "Answer":
        return cls(status, body, headers, 0, body.size)

    @property
    def bodiless(self) -> bool:
        return self.status in (204, 304)
