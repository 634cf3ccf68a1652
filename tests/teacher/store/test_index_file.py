import json
import shutil

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.store import CompletionStore, completion_store
from okapi_kedro.teacher.store.answer_line import read_head
from okapi_kedro.teacher.store.index_file import INDEX
from okapi_kedro.teacher.store.line_file import LineFile

from .answers import add, completion, key_for


@pytest.fixture(autouse=True)
def index_always(monkeypatch):
    monkeypatch.setattr(completion_store, "MOST_UNINDEXED", 0)


@pytest.fixture
def lines_read(monkeypatch):
    """The lines that were read since the test began, which an index spares."""
    read = []

    def count_head(line):
        read.append(line)
        return read_head(line)

    monkeypatch.setattr("okapi_kedro.teacher.store.shard.read_head", count_head)
    return read


@pytest.fixture
def folder(tmp_path):
    """Nine answers in three shards, with their index."""
    folder = tmp_path / "store"
    store = CompletionStore(folder)
    for number in range(9):
        add(store, number, f"{number} नमस्ते", language=f"l{number % 3}", usd=0.1)
    store.refresh()
    assert (folder / INDEX).exists()
    return folder


def assert_whole(store, numbers=range(9)):
    assert [store[key_for(number)].text for number in numbers] == [f"{number} नमस्ते" for number in numbers]
    assert (len(store), key_for(99) in store) == (len(numbers), False)
    assert sum(row.answers for row in store.spending()) == len(numbers)
    assert store.spent_usd == pytest.approx(0.1 * len(numbers), abs=1e-15)


def test_with_an_index_no_line_is_read_again(folder, lines_read):
    store = CompletionStore(folder)
    assert not lines_read
    assert_whole(store)
    add(store, 9, "9 नमस्ते", language="new", usd=0.1)
    assert_whole(store, range(10))


def test_an_older_index_is_filled_up_with_what_came_since(folder, lines_read):
    old = (folder / INDEX).read_bytes()
    store = CompletionStore(folder)
    for number in range(9, 12):
        add(store, number, f"{number} नमस्ते", language=f"l{number % 2}", usd=0.1)
    store.refresh()
    assert (folder / INDEX).read_bytes() != old
    (folder / INDEX).write_bytes(old)
    assert_whole(CompletionStore(folder), range(12))
    assert len(lines_read) == 3


def test_an_answer_of_an_indexed_key_in_another_shard_is_no_new_one(folder):
    store = CompletionStore(folder)
    with (folder / "ranking.vi.jsonl").open("wb") as other:
        other.write((folder / "translation.l0.jsonl").read_bytes().replace("नमस्ते".encode(), b"second"))
    store.refresh()
    for each in (store, CompletionStore(folder)):
        assert (len(each), each[key_for(0)].text) == (9, "0 नमस्ते")
        assert sum(row.answers for row in each.spending()) == 12


def newer(folder):
    """As after a shard was put back from a backup."""
    shard = folder / "translation.l1.jsonl"
    shard.write_bytes(b"".join(shard.read_bytes().splitlines(keepends=True)[:2]))
    return [0, 1, 2, 3, 4, 5, 6, 8]


def edited(folder):
    """A line deleted by hand."""
    shard = folder / "translation.l1.jsonl"
    shard.write_bytes(b"".join(shard.read_bytes().splitlines(keepends=True)[1:]))
    return [0, 2, 3, 4, 5, 6, 7, 8]


def foreign(folder):
    """The index of another folder with shards of the same names and sizes."""
    other = CompletionStore(folder.parent / "other")
    for number in range(100, 109):
        add(other, number, f"{number}", language=f"l{number % 3}")
    other.refresh()
    shutil.copy(folder.parent / "other" / INDEX, folder / INDEX)
    return range(9)


def without_a_shard(folder):
    (folder / "translation.l1.jsonl").unlink()
    return [0, 2, 3, 5, 6, 8]


def flipped(folder):
    index = bytearray((folder / INDEX).read_bytes())
    index[-40] ^= 1
    (folder / INDEX).write_bytes(index)
    return range(9)


def of_length(length):
    def cut(folder):
        (folder / INDEX).write_bytes((folder / INDEX).read_bytes()[:length])
        return range(9)

    return cut


def rewritten(old, new):
    def rewrite(folder):
        (folder / INDEX).write_bytes((folder / INDEX).read_bytes().replace(old, new))
        return range(9)

    return rewrite


@pytest.mark.parametrize(
    "spoil",
    [
        newer,
        edited,
        foreign,
        without_a_shard,
        flipped,
        of_length(0),
        of_length(5),
        of_length(100),
        of_length(-1),
        rewritten(b'"answers": 9', b'"answers": 999999999999'),
        rewritten(b'"format": 1', b'"format": 2'),
        rewritten(b"translation.l1.jsonl", b"../../../etc/passwd"),
        rewritten(b"{", b"["),
    ],
)
def test_an_index_of_anything_else_is_passed_over_and_made_anew(folder, spoil):
    numbers = spoil(folder)
    spoilt = (folder / INDEX).read_bytes()
    assert_whole(CompletionStore(folder), numbers)
    assert (folder / INDEX).read_bytes() != spoilt


def test_an_edit_that_the_index_cannot_see_is_an_error_that_says_how_to_go_on(folder):
    store = CompletionStore(folder)
    for number in range(9, 60):
        add(store, number, f"{number} नमस्ते", language="l0", usd=0.1)
    store.refresh()
    shard = folder / "translation.l0.jsonl"
    first, second, *rest = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(b"".join([second, first, *rest]))
    again = CompletionStore(folder)
    with pytest.raises(UserError, match=rf"l0\.jsonl: edited since.*delete .*{INDEX}"):
        again.get(key_for(0))
    (folder / INDEX).unlink()
    assert_whole(CompletionStore(folder), range(60))


def test_a_folder_that_takes_no_index_works_without(folder, monkeypatch, lines_read):
    (folder / INDEX).unlink()
    (folder / INDEX).mkdir()
    for _ in range(2):
        assert_whole(CompletionStore(folder))
    assert len(lines_read) == 18
    assert not list(folder.glob("*.new"))


def test_an_answer_that_could_not_be_written_does_not_spoil_the_index(folder):
    store = CompletionStore(folder)
    (folder / "ranking.vi.jsonl").mkdir()
    with pytest.raises(UserError, match="cannot be opened"):
        add(store, 9, "9 नमस्ते", "ranking", "vi", usd=0.1)
    (folder / "ranking.vi.jsonl").rmdir()
    add(store, 9, "9 नमस्ते", usd=0.1)
    store.refresh()
    for each in (store, CompletionStore(folder)):
        assert_whole(each, range(10))


def test_the_index_is_left_alone_while_little_is_missing(folder, monkeypatch):
    monkeypatch.setattr(completion_store, "MOST_UNINDEXED", 5)
    before = (folder / INDEX).read_bytes()
    store = CompletionStore(folder)
    for number in range(9, 14):
        add(store, number, f"{number} नमस्ते", usd=0.1)
    store.refresh()
    assert (folder / INDEX).read_bytes() == before
    add(store, 14, "14 नमस्ते", usd=0.1)
    store.refresh()
    assert (folder / INDEX).read_bytes() != before
    assert_whole(CompletionStore(folder), range(15))


def test_lines_longer_than_a_batch_and_batches_of_many_lines_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("okapi_kedro.teacher.store.line_file._BATCH", 700)
    store = CompletionStore(tmp_path)
    texts = ["x" * length for length in (1, 2, 5000, 3, 650, 700, 0, 12_000, 4)]
    for number, text in enumerate(texts):
        add(store, number, text)
    (tmp_path / INDEX).unlink(missing_ok=True)
    again = CompletionStore(tmp_path)
    assert [again[key_for(number)] for number in range(len(texts))] == [completion(text) for text in texts]
    lines = (tmp_path / "translation.ne.jsonl").read_bytes().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    file = LineFile(tmp_path / "translation.ne.jsonl")
    assert [file.line_number(start) for start in starts] == list(range(1, len(lines) + 1))
    assert [json.loads(file.line_at(start))["key"] for start in starts] == [key_for(n) for n in range(len(lines))]
