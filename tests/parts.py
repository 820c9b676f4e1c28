"""What goes wrong with parts of files, and how slowly they may come, to order: see tests/upstream.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.answers import Answer
from tests.misbehaviour import Fault

if TYPE_CHECKING:
    from tests.upstream import Exchange

# Bytes between two pauses of who sends slowly.
PACED = 16 * 1024


@dataclass(frozen=True)
class Paced(Fault):
    """Sends `rate` bytes a second over each connection, however many there are; or, `shared`, over all together."""

    rate: int
    shared: bool = False

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send_head(answer)
        for at in range(answer.start, answer.stop, PACED):
            stop = min(at + PACED, answer.stop)
            exchange.send_body(replace(answer, start=at, stop=stop))
            if exchange.pause(exchange.server.due(stop - at, self.rate) if self.shared else (stop - at) / self.rate):
                return


@dataclass(frozen=True)
class PartsIgnored(Fault):
    """200 with all of it, whatever part was asked for."""

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send(Answer.whole(200, answer.body, without_range(answer)))


@dataclass(frozen=True)
class OtherPart(Fault):
    """A part that begins and ends `by` bytes later than what was asked for; it says so, or, `lying`, does not."""

    by: int = 1
    lying: bool = False

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        start, stop = answer.start + self.by, min(answer.stop + self.by, answer.body.size)
        said = answer.headers.get("Content-Range") if self.lying else f"bytes {start}-{stop - 1}/{answer.body.size}"
        moved = replace(answer, headers={**answer.headers, "Content-Range": said or ""}, start=start, stop=stop)
        exchange.send(moved if answer.status == 206 else answer)


@dataclass(frozen=True)
class Said(Fault):
    """The right body with other headers: those given replace or add to the right ones; None takes one away."""

    headers: Mapping[str, str | None]
    then: Fault = field(default_factory=Fault)

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        merged = {**answer.headers, **self.headers}
        given = {name: value for name, value in merged.items() if value is not None}
        self.then.serve(exchange, replace(answer, headers=given))


@dataclass(frozen=True)
class PartsOnly(Fault):
    """Another fault, met only by those who ask for a part; everybody else gets what is right."""

    fault: Fault

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        (self.fault if answer.status == 206 else Fault()).serve(exchange, answer)


def without_range(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "Content-Range"}
