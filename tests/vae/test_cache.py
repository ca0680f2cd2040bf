"""The cache of pictures: what it keeps, what it drops, what it counts."""

import threading

import numpy as np

from vae.cache import ENTRY, CacheStats, PictureCache

SHEET = 28 * 28 + ENTRY  # what a sheet of one takes


def sheet(value: int, count: int = 1) -> np.ndarray:
    return np.full((count, 28, 28), value, np.uint8)


def code(value: float, count: int = 1) -> np.ndarray:
    return np.full((count, 2), value, np.float32)


def test_it_decodes_once_for_a_model_and_its_codes() -> None:
    cache, decoded = PictureCache(), []

    def decode() -> np.ndarray:
        decoded.append(1)
        return sheet(len(decoded))

    def decode_two() -> np.ndarray:
        decoded.append(1)
        return sheet(9, 2)

    first = cache.get("a", code(0), decode)
    assert cache.get("a", code(0), decode) is first
    assert cache.get("b", code(0), decode) is not first
    assert cache.get("a", code(1), decode) is not first
    assert len(cache.get("a", code(0, 2), decode_two)) == 2
    assert len(decoded) == 4
    assert cache.stats() == CacheStats(1, 5, 5 * SHEET - ENTRY, 64 << 20)
    assert cache.stats().hit_rate == 0.2


def test_the_least_recently_used_makes_room() -> None:
    cache = PictureCache(capacity=3 * SHEET)
    for value in (0, 1, 2):
        cache.get("a", code(value), lambda value=value: sheet(value))
    cache.get("a", code(0), lambda: sheet(99))  # used again
    cache.get("a", code(3), lambda: sheet(3))  # drops 1
    assert cache.stats().size == 3 * SHEET
    found = [int(cache.get("a", code(v), lambda: sheet(99))[0, 0, 0]) for v in (0, 2, 3, 1)]
    assert found == [0, 2, 3, 99]


def test_what_is_larger_than_all_room_is_not_kept() -> None:
    cache = PictureCache(capacity=2 * SHEET)
    cache.get("a", code(0), lambda: sheet(7))
    assert cache.get("a", code(1, 5), lambda: sheet(1, 5)).shape == (5, 28, 28)
    assert cache.stats().size == SHEET, "and it drives out nothing"


def test_threads_that_ask_at_once_leave_it_whole() -> None:
    cache = PictureCache(capacity=20 * SHEET)

    def ask(seed: int) -> None:
        for value in np.random.default_rng(seed).integers(40, size=200):
            got = cache.get("a", code(value), lambda value=value: sheet(int(value)))
            assert got[0, 0, 0] == value

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.stats().lookups == 1600
    assert cache.stats().size <= 20 * SHEET


def test_a_rate_of_nothing_is_none_and_two_tallies_add_up() -> None:
    assert PictureCache().stats().hit_rate == 0.0
    assert CacheStats(1, 2, 30, 40) + CacheStats(2, 6, 5, 60) == CacheStats(3, 8, 35, 100)
