"""Where answers are, in 16 bytes each: sorted beginnings of keys, with the places they stand for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.uint64]


def key_prefix(key: str) -> int:
    """The first 64 bits of a key, which tell all but one pair in 2 million stores of 4 million answers apart."""
    return int(key[:16], 16)


def key_prefixes(keys: Sequence[str]) -> Integers:
    """The `key_prefix` of each key."""
    return np.frombuffer(bytes.fromhex("".join([key[:16] for key in keys])), ">u8").astype(np.uint64)


@dataclass(frozen=True)
class SortedIndex:
    """Finds the places of keys, up to keys that begin alike.

    Args:
        prefixes: of the keys, ascending.
        places: one per prefix.
    """

    prefixes: Integers
    places: Integers

    @classmethod
    def empty(cls) -> "SortedIndex":
        return cls(np.empty(0, np.uint64), np.empty(0, np.uint64))

    def __len__(self) -> int:
        return len(self.prefixes)

    def places_of(self, prefix: int) -> Iterator[int]:
        """The places of all keys with this prefix."""
        wanted = np.uint64(prefix)
        position = int(self.prefixes.searchsorted(wanted))
        while position < len(self.prefixes) and self.prefixes[position] == wanted:
            yield int(self.places[position])
            position += 1

    def has(self, prefixes: Integers) -> NDArray[np.bool_]:
        """Which of the prefixes are here."""
        if not len(self):
            return np.zeros(len(prefixes), np.bool_)
        positions = self.prefixes.searchsorted(prefixes)
        return np.equal(self.prefixes[np.minimum(positions, len(self) - 1)], prefixes)

    def with_answers(self, keys: Sequence[str], places: Sequence[int]) -> "SortedIndex":
        """An index that also has these keys."""
        prefixes = key_prefixes(keys)
        order = np.argsort(prefixes)
        prefixes = prefixes[order]
        positions = self.prefixes.searchsorted(prefixes)
        return SortedIndex(
            np.insert(self.prefixes, positions, prefixes),
            np.insert(self.places, positions, np.array(places, np.uint64)[order]),
        )
