"""All stored answers, found by the key of their request."""

import fcntl
import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.store.answer_line import Head, NewAnswer, answer_line, read_head
from okapi_kedro.teacher.store.index_file import INDEX, read_index, write_index
from okapi_kedro.teacher.store.locks import turn, wait_for_lock
from okapi_kedro.teacher.store.lost_file import Lost, LostFile
from okapi_kedro.teacher.store.shard import Shard, shard_name, shard_paths, stage_and_language
from okapi_kedro.teacher.store.sorted_index import SortedIndex, key_prefix, key_prefixes
from okapi_kedro.teacher.store.spending import Ledger, Spending

MOST_RECENT = 1 << 17
"""Answers kept in a dictionary (200 bytes each) before they move to the sorted index (16 bytes each)."""
MOST_UNINDEXED = 50_000
"""Answers that may be missing from the index on disk; reading them takes the next to open it a third of a second."""
_OFFSET_BITS = 48


class CompletionStore:
    """The answers in a folder, found by key whatever stage or language they were asked for.

    Args:
        folder: where the shards `<stage>.<language>.jsonl` are; made with the first answer.

    Raises:
        UserError: when a line of a shard is no answer.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shards: list[Shard] = []
        self._numbers: dict[tuple[str, str], int] = {}
        # One reference, so that a reader in another thread always sees an answer in the one or the other.
        self._known: tuple[SortedIndex, dict[str, int]] = (SortedIndex.empty(), {})
        self._indexed = 0
        self._ledger = Ledger()
        self._lost = LostFile(folder)
        self._folder_descriptor: int | None = None
        self._lock = Lock()
        self.refresh()

    def __repr__(self) -> str:
        return f"CompletionStore({str(self.folder)!r})"

    def __len__(self) -> int:
        index, recent = self._known
        return len(index) + len(recent)

    def __contains__(self, key: str) -> bool:
        return self.place(key) is not None

    def __getitem__(self, key: str) -> Completion:
        completion = self.get(key)
        if completion is None:
            raise KeyError(key)
        return completion

    def get(self, key: str) -> Completion | None:
        """The stored answer, or None."""
        place = self.place(key)
        if place is None:
            return None
        number, start = divmod(place, 1 << _OFFSET_BITS)
        return self.shards[number].completion_at(start, key)

    def place(self, key: str) -> int | None:
        """Where the answer that stands for a key is: `place_of` its shard and byte; None when there is none."""
        index, recent = self._known
        for place in index.places_of(key_prefix(key)):
            number, start = divmod(place, 1 << _OFFSET_BITS)
            found = self.shards[number].key_at(start)
            if found == key:
                return place
            if found[:16] != key[:16]:
                path = self.shards[number].path
                raise UserError(f"{path}: edited since it was indexed; delete {path.with_name(INDEX)} and start again")
        return recent.get(key)

    def refresh(self) -> None:
        """Takes in what other processes have written meanwhile."""
        with self._lock:
            if not self.folder.is_dir():
                return
            self._enter()
            for path in shard_paths(self.folder):
                number = self._number_of(*stage_and_language(path))
                shard = self.shards[number]
                if shard.has_grown():
                    with shard.reading():
                        self._take_in(number, shard)
            if self._lost.path.exists() and self._lost.has_grown():
                with self._lost.reading():
                    self._take_in_lost()
            if len(self) - self._indexed > MOST_UNINDEXED:
                self._write_index()

    def add(
        self, key: str, stage: str, language: str, completion: Completion, model: str, usd: float | None = None
    ) -> None:
        """Writes one answer; see `add_all`."""
        self.add_all(stage, language, [NewAnswer(key, completion, model, usd)])

    def add_all(self, stage: str, language: str, answers: Sequence[NewAnswer]) -> None:
        """Writes answers at once, those whose key has one already left out.

        Args:
            stage: with the language, names the shard.
            language: code of the language.
            answers: with different keys.

        Raises:
            UserError: when they cannot be written.
            ValueError: when one could not be read back, and so none is written: a key, count or price that is none.
        """
        lines = [answer_line(*answer) for answer in answers]
        heads = [_checked_head(line) for line in lines]
        with self._lock:
            self._make_folder()
            number = self._number_of(stage, language)
            shard = self.shards[number]
            with shard.appending():
                self._take_in(number, shard)
                new = [(head, line) for head, line in zip(heads, lines, strict=True) if self.place(head.key) is None]
                starts = shard.append([line for _, line in new])
                for (head, _), start in zip(new, starts, strict=True):
                    self._known[1][head.key] = place_of(number, start)
                self._ledger.add_answers(stage, language, [head for head, _ in new])
                self._fold()

    def add_lost(self, stage: str, language: str, model: str, usd: float | None, cause: str) -> None:
        """Writes down an answer that may have been paid for and never came.

        Args:
            stage: what was asked for.
            language: code of the language.
            model: who was asked.
            usd: what it cost at most; None when the price is unknown.
            cause: why there is no answer, for whoever reads the file.
        """
        lost = Lost(stage, language, model, usd, cause)
        with self._lock:
            self._make_folder()
            with self._lost.appending():
                self._take_in_lost()
                self._lost.append_lost(lost)
                self._ledger.add_lost(lost)

    def spending(self) -> list[Spending]:
        """What everything in the folder has cost, up to the last refresh."""
        with self._lock:
            return self._ledger.spending()

    @property
    def spent_usd(self) -> float:
        """Dollars for all answers in the folder, stored and lost."""
        return self._ledger.spent_usd

    def sync(self) -> None:
        """Waits until the answers are on the disk itself; a kill needs none of this, a power cut does."""
        for file in [*self.shards, self._lost]:
            file.sync()
        if self._folder_descriptor is not None:
            os.fsync(self._folder_descriptor)

    @contextmanager
    def asking(self, stage: str, language: str) -> Iterator[None]:
        """Keeps others that ask for the same stage and language waiting, then knows what they have been answered.

        Not to be nested for the same stage and language: the inner one would wait for the outer.
        """
        with self._lock:
            self._make_folder()
        with turn((self.folder / shard_name(stage, language)).with_suffix(".lock")):
            self.refresh()
            yield

    def close_to_others(self) -> None:
        """Lets nobody else open the folder for as long as this store lives.

        Raises:
            UserError: when another process, or another store of this one, has it open.
        """
        try:
            fcntl.flock(self._enter(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{self.folder}: in use by another process, or a store of this one; end it first") from None

    def _make_folder(self) -> None:
        if self._folder_descriptor is None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(f"{self.folder}: cannot be made: {error.strerror}") from error
            self._enter()

    def _enter(self) -> int:
        """The folder's descriptor; the first time, locks it against compaction and reads its index."""
        if self._folder_descriptor is None:
            descriptor = os.open(self.folder, os.O_RDONLY)
            weakref.finalize(self, os.close, descriptor)
            wait_for_lock(descriptor, fcntl.LOCK_SH, f"{self.folder} to be compacted")
            self._folder_descriptor = descriptor
            stored = read_index(self.folder)
            if stored:
                self.shards = stored.shards
                self._numbers = {(shard.stage, shard.language): number for number, shard in enumerate(self.shards)}
                self._known = (stored.index, {})
                self._indexed = len(stored.index)
                self._ledger = stored.ledger
        return self._folder_descriptor

    def _number_of(self, stage: str, language: str) -> int:
        if (stage, language) not in self._numbers:
            self.shards.append(Shard(self.folder / shard_name(stage, language)))
            self._numbers[stage, language] = len(self.shards) - 1
        return self._numbers[stage, language]

    def _take_in(self, number: int, shard: Shard) -> None:
        """Reads what is new in a shard, which has to be locked."""
        while answers := shard.read_heads():
            heads = [head for _, head in answers]
            self._ledger.add_answers(shard.stage, shard.language, heads)
            index, recent = self._known
            may_be_known = index.has(key_prefixes([head.key for head in heads]))
            first_place = place_of(number, 0)
            for (start, head), may_be in zip(answers, may_be_known.tolist(), strict=True):
                if not (may_be and self.place(head.key) is not None):
                    recent.setdefault(head.key, first_place + start)
            self._fold()

    def _take_in_lost(self) -> None:
        while answers := self._lost.read_lost():
            for lost in answers:
                self._ledger.add_lost(lost)

    def _fold(self) -> None:
        index, recent = self._known
        if len(recent) >= MOST_RECENT:
            self._known = (index.with_answers(list(recent), list(recent.values())), {})

    def _write_index(self) -> None:
        index, recent = self._known
        index = index.with_answers(list(recent), list(recent.values()))
        self._known = (index, {})
        self._indexed = len(index)
        write_index(self.folder, self.shards, index, self._ledger)


def _checked_head(line: bytes) -> Head:
    head = read_head(line[:-1])
    if head is None:
        raise ValueError(f"no key, token count or price of an answer: {line[:300]!r}")
    return head


def place_of(number: int, start: int) -> int:
    """A shard, by its number, and a byte in it as one whole number."""
    return number << _OFFSET_BITS | start
