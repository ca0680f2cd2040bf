"""Caches: their entries, evictions and counts."""

import threading

import numpy as np
import pytest

from vae.cache import ENTRY, CacheStats, LRUCache, PictureCache, cached

SHEET = 28 * 28 + ENTRY  # bytes of a sheet of one picture


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


def test_the_least_recently_used_entry_is_dropped() -> None:
    cache = PictureCache(capacity=3 * SHEET)
    for value in (0, 1, 2):
        cache.get("a", code(value), lambda value=value: sheet(value))
    cache.get("a", code(0), lambda: sheet(99))  # used again
    cache.get("a", code(3), lambda: sheet(3))  # drops 1
    assert cache.stats().size == 3 * SHEET
    found = [int(cache.get("a", code(v), lambda: sheet(99))[0, 0, 0]) for v in (0, 2, 3, 1)]
    assert found == [0, 2, 3, 99]


def test_an_entry_larger_than_the_cache_is_not_kept() -> None:
    cache = PictureCache(capacity=2 * SHEET)
    cache.get("a", code(0), lambda: sheet(7))
    assert cache.get("a", code(1, 5), lambda: sheet(1, 5)).shape == (5, 28, 28)
    assert cache.stats().size == SHEET, "nothing is dropped for it"


def test_concurrent_lookups_return_the_right_pictures() -> None:
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


def test_the_hit_rate_of_no_lookups_is_0_and_statistics_add_up() -> None:
    assert PictureCache().stats().hit_rate == 0.0
    assert CacheStats(1, 2, 30, 40) + CacheStats(2, 6, 5, 60) == CacheStats(3, 8, 35, 100)


def test_codes_that_are_cached_one_by_one_are_decoded_once_in_one_call() -> None:
    cache, calls = PictureCache(), []

    def decode(z: np.ndarray) -> np.ndarray:
        calls.append(z[:, 0].tolist())
        return np.stack([sheet(int(value))[0] for value in z[:, 0]])

    z = np.concatenate([code(value) for value in (1, 2, 3)])
    assert cache.get_each("a", z, decode)[:, 0, 0].tolist() == [1, 2, 3]
    again = np.concatenate([code(value) for value in (3, 4, 1, 5)])
    assert cache.get_each("a", again, decode)[:, 0, 0].tolist() == [3, 4, 1, 5]
    assert calls == [[1, 2, 3], [4, 5]]
    assert cache.get("a", code(5), lambda: sheet(99))[0, 0, 0] == 5, "the same entry"
    assert cache.stats() == CacheStats(3, 8, 5 * SHEET, 64 << 20)


def test_pictures_cached_one_by_one_keep_no_larger_array_in_memory() -> None:
    cache = PictureCache()
    cache.get_each("a", np.concatenate([code(1), code(2)]), lambda z: sheet(1, len(z)))
    for value in (1, 2):
        kept = cache.get("a", code(value), lambda: sheet(99))
        assert kept.base is None
        assert kept.nbytes == 28 * 28


def test_results_of_a_cached_function_are_kept_by_their_size() -> None:
    calls = []

    @cached(2 * (100 + ENTRY), len)
    def zeros(count: int, *, kind: str = "a") -> bytes:
        """Some bytes."""
        calls.append((count, kind))
        if count < 0:
            raise ValueError("negative")
        return bytes(count)

    assert zeros.__doc__ == "Some bytes."
    assert zeros(100) is zeros(100)
    zeros(100, kind="b")
    assert zeros.is_cached(100)
    assert zeros.cache_size == 2 * (100 + ENTRY)
    zeros(100)  # used again
    zeros(90)  # drops kind "b"
    assert (zeros.is_cached(100), zeros.is_cached(100, kind="b")) == (True, False)
    zeros(5000)  # larger than the capacity: not kept, and no other entry is dropped
    assert (zeros.is_cached(5000), zeros.is_cached(100), zeros.is_cached(90)) == (False, True, True)
    for _ in range(2):
        with pytest.raises(ValueError, match="negative"):
            zeros(-1)
    assert calls == [(100, "a"), (100, "b"), (90, "a"), (5000, "a"), (-1, "a"), (-1, "a")]
    zeros.cache_clear()
    assert zeros.cache_size == 0
    assert not zeros.is_cached(100)


def test_a_result_that_is_false_is_cached_too() -> None:
    calls = []

    @cached(1000, lambda _: 0)
    def nothing() -> None:
        calls.append(1)

    nothing()
    nothing()
    assert len(calls) == 1


def test_replacing_an_entry_counts_its_size_once() -> None:
    cache: LRUCache[str] = LRUCache(10_000)
    for size in (100, 300):
        cache.put("key", "value", size)
        assert cache.size == size + ENTRY
    assert cache.get("key") == "value"
    assert cache.get("another") is None
