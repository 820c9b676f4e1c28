"""Which bytes of a file are still to come, and who fetches which of them."""

import random
import threading

from repos.pieces import Pieces


def test_it_works() -> None:
    pieces = Pieces(100)
    first = pieces.take(40)
    assert first is not None
    pieces.received(first, 10)
    assert (pieces.prefix, pieces.there, pieces.missing) == (10, 10, [(10, 100)])
    pieces.received(first, 30)
    pieces.give_back(first)
    assert (pieces.prefix, pieces.there, pieces.missing) == (40, 40, [(40, 100)])


def test_nobody_gets_what_another_has() -> None:
    pieces = Pieces(100)
    assert [(one.at, one.stop) for _ in range(3) if (one := pieces.take(40))] == [(0, 40), (40, 80), (80, 100)]
    assert pieces.take(40) is None
    assert pieces.missing == [(0, 100)]


def test_what_has_come_behind_a_gap_is_there_but_not_without_a_gap() -> None:
    pieces = Pieces(100)
    first, second = pieces.take(40), pieces.take(40)
    assert first
    assert second
    pieces.received(second, 40)
    assert (pieces.prefix, pieces.there, pieces.missing) == (0, 40, [(0, 40), (80, 100)])
    pieces.received(first, 40)
    assert (pieces.prefix, pieces.there) == (80, 80)


def test_what_is_cut_off_or_given_back_can_be_taken_by_others() -> None:
    pieces = Pieces(100)
    first = pieces.take(100)
    assert first
    pieces.received(first, 10)
    pieces.cut(first, 20)
    assert (first.stop, first.left()) == (30, 20)
    pieces.give_back(first)
    again = pieces.take(100)
    assert again
    assert (again.at, again.stop) == (10, 30)
    pieces.cut(again, 1000)
    assert again.stop == 30


def test_an_empty_rest_is_whole() -> None:
    assert Pieces(100, []).missing == []
    assert Pieces(100, []).prefix == 100
    assert Pieces(100, [(20, 30)]).prefix == 20


def test_who_waits_is_woken_by_what_is_given_back() -> None:
    pieces = Pieces(100)
    piece = pieces.take(100)
    assert piece
    waiting = threading.Thread(target=pieces.wait, args=(60,))
    waiting.start()
    pieces.give_back(piece)
    waiting.join(10)
    assert not waiting.is_alive()


def test_however_it_is_divided_each_byte_comes_once() -> None:
    chance = random.Random(7)
    for _ in range(100):
        size = chance.randrange(1, 500)
        pieces, came, held = Pieces(size), [0] * size, []
        while pieces.missing:
            if (one := pieces.take(chance.randrange(1, 100))) is not None:
                held.append(one)
            one = chance.choice(held)
            step = chance.randrange(0, one.left() + 1)
            for at in range(one.at, one.at + step):
                came[at] += 1
            pieces.received(one, step)
            if chance.random() < 0.2:
                pieces.cut(one, chance.randrange(0, 50))
            if one.left() == 0 or chance.random() < 0.2:
                pieces.give_back(one)
                held.remove(one)
            assert pieces.there == sum(came)
            assert pieces.prefix == next((at for at, times in enumerate(came) if not times), size)
        assert came == [1] * size
