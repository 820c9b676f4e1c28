"""How far something was at some moments: few of them, whatever the time."""

from itertools import pairwise

from repos.samples import MOST, Sample, Samples, read


def collected(seconds: int, every: float = 0.5) -> list[Sample]:
    samples = Samples(0, 0)
    for beat in range(1, int(seconds / every) + 1):
        samples.add(beat * every, beat, 1000 * beat)
    return read(samples.text())


def test_it_works() -> None:
    assert collected(1) == [Sample(0, 0, 0), Sample(0.5, 1, 1000), Sample(1, 2, 2000)]


def test_an_empty_text_has_none() -> None:
    assert read("") == []


def test_they_never_become_more_than_a_picture_shows() -> None:
    for seconds in (30, 61, 600, 86_400):
        assert len(collected(seconds)) <= MOST
    assert len(collected(86_400)) > MOST // 2


def test_the_first_and_the_last_stay_and_the_distances_are_about_even() -> None:
    kept = collected(3600)
    assert kept[0] == Sample(0, 0, 0)
    assert kept[-1] == Sample(3600, 7200, 7_200_000)
    steps = [later.seconds - one.seconds for one, later in pairwise(kept[:-1])]
    assert max(steps) < 1.3 * min(steps)


def test_what_came_before_is_where_it_begins() -> None:
    samples = Samples(0, 5000)
    samples.add(0.5, 1, 6000)
    assert read(samples.text())[0].size == 5000
