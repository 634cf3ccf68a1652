import errno
import json
import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.store import CompletionStore, NewAnswer, completion_store

from .answers import WRITER, add, completion, go, key_for, start


def shard_of(folder, name="translation.ne.jsonl"):
    return folder / name


def test_an_answer_is_found_again_by_a_new_store_whatever_stage_it_was_for(tmp_path):
    store = CompletionStore(tmp_path / "made" / "here")
    add(store, 1, "नमस्ते\n\u2028\x00😀\r\n")
    add(store, 2, "two", stage="ranking", language="vi")
    again = CompletionStore(tmp_path / "made" / "here")
    assert again.get(key_for(1)) == store.get(key_for(1)) == completion("नमस्ते\n\u2028\x00😀\r\n")
    assert again[key_for(2)] == completion("two")
    assert again.get(key_for(3)) is None
    assert (key_for(2) in again, key_for(3) in again, len(again)) == (True, False, 2)
    assert sorted(path.name for path in again.folder.iterdir()) == ["ranking.vi.jsonl", "translation.ne.jsonl"]
    with pytest.raises(KeyError, match=key_for(3)):
        again[key_for(3)]


def test_a_line_says_what_it_is_and_the_text_comes_last(tmp_path):
    add(CompletionStore(tmp_path), 1, 'नमस्ते "usd":7')
    line = shard_of(tmp_path).read_text(encoding="utf-8")
    assert line == (
        f'{{"key":"{key_for(1)}","model":"m","prompt_tokens":5,"completion_tokens":2,"usd":0.25,'
        '"finish_reason":"stop","text":"नमस्ते \\"usd\\":7"}\n'
    )


def test_long_answers_and_odd_model_names_are_read_whole(tmp_path):
    long = "धेरै " * 3_000_000
    store = CompletionStore(tmp_path)
    add(store, 1, long)
    store.add(key_for(2), "a.b", "ne", completion(""), 'गुरु "4\\" \n', None)
    again = CompletionStore(tmp_path)
    assert again[key_for(1)].text == long
    assert again[key_for(2)].text == ""
    assert [(row.stage, row.model) for row in again.spending()] == [("a.b", 'गुरु "4\\" \n'), ("translation", "m")]


def test_half_a_surrogate_pair_is_stored_as_a_question_mark(tmp_path):
    store = CompletionStore(tmp_path)
    add(store, 1, "cut \ud83d")
    assert store[key_for(1)] == CompletionStore(tmp_path)[key_for(1)] == completion("cut ?")


@pytest.mark.parametrize(
    ("key", "completion_", "usd"),
    [
        ("../../secret", completion("a"), 1.0),
        ("A" * 64, completion("a"), 1.0),
        (key_for(1), Completion("a", "stop", -1, 2), 1.0),
        (key_for(1), completion("a"), float("nan")),
        (key_for(1), completion("a"), float("inf")),
        (key_for(1), completion("a"), -1.0),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, key, completion_, usd):
    with pytest.raises(ValueError, match="no key, token count or price"):
        CompletionStore(tmp_path).add(key, "translation", "ne", completion_, "m", usd)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("stage", "language"), [("../up", "ne"), ("", "ne"), ("a", ""), ("a", "n.e"), ("a", "n/e")])
def test_a_stage_or_language_that_names_no_file_is_refused(tmp_path, stage, language):
    with pytest.raises(ValueError, match="no shard"):
        add(CompletionStore(tmp_path / "store"), 1, "one", stage, language)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_opening_a_store_that_is_not_there_makes_nothing(tmp_path):
    store = CompletionStore(tmp_path / "store")
    assert (len(store), store.spending(), store.spent_usd, key_for(1) in store) == (0, [], 0.0, False)
    store.sync()
    assert not (tmp_path / "store").exists()


def test_its_repr_names_the_folder_alone(tmp_path):
    store = CompletionStore(tmp_path)
    add(store, 1, "secret")
    assert repr(store) == f"CompletionStore({str(tmp_path)!r})"


def test_the_first_answer_stands(tmp_path):
    store, other = CompletionStore(tmp_path), CompletionStore(tmp_path)
    add(store, 1, "first")
    add(other, 1, "second")
    assert store.get(key_for(1)) == other.get(key_for(1)) == completion("first")
    assert len(shard_of(tmp_path).read_text().splitlines()) == 1
    assert store.spent_usd == other.spent_usd == 0.25


def test_refreshing_takes_in_what_another_store_wrote(tmp_path):
    store, other = CompletionStore(tmp_path), CompletionStore(tmp_path)
    add(other, 1, "one")
    add(other, 2, "two", language="vi")
    assert key_for(1) not in store
    store.refresh()
    assert store.get(key_for(1)) == completion("one")
    assert store.get(key_for(2)) == completion("two")
    add(other, 3, "three")
    store.refresh()
    assert store.get(key_for(3)) == completion("three")


def test_an_answer_given_twice_under_two_stages_is_counted_and_paid_twice_and_found_once(tmp_path):
    store, other = CompletionStore(tmp_path), CompletionStore(tmp_path)
    add(store, 1, "first", stage="ranking")
    add(other, 1, "second", stage="translation")
    store.refresh()
    assert (len(store), store.spent_usd, store[key_for(1)].text) == (1, 0.5, "first")
    assert [row.answers for row in store.spending()] == [1, 1]


def test_keys_that_begin_alike_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(completion_store, "MOST_RECENT", 3)
    store = CompletionStore(tmp_path)
    keys = [key_for(0)[:16] + f"{number:048x}" for number in range(10)]
    for number, key in enumerate(keys[:9]):
        store.add(key, "translation", "ne", completion(str(number)), "m")
    for each in (store, CompletionStore(tmp_path)):
        assert [each[key].text for key in keys[:9]] == [str(number) for number in range(9)]
        assert (keys[9] in each, len(each)) == (False, 9)
        each.add(keys[4], "ranking", "vi", completion("again"), "m")
        assert len(each) == 9
    assert not shard_of(tmp_path, "ranking.vi.jsonl").read_text()


def test_answers_are_found_before_and_after_they_move_to_the_sorted_index(tmp_path, monkeypatch):
    monkeypatch.setattr(completion_store, "MOST_RECENT", 7)
    store, other = CompletionStore(tmp_path), CompletionStore(tmp_path)
    for number in range(50):
        add(store, number, str(number), stage="s", language=str(number % 3))
        assert store[key_for(number // 2)].text == str(number // 2)
    other.refresh()
    for each in (store, other):
        assert [each[key_for(number)].text for number in range(50)] == [str(number) for number in range(50)]
        assert (len(each), key_for(50) in each) == (50, False)


def test_a_thread_finds_answers_while_another_one_adds(tmp_path, monkeypatch):
    monkeypatch.setattr(completion_store, "MOST_RECENT", 5)
    store = CompletionStore(tmp_path)
    added = []

    def find_the_latest():
        while len(added) < 400:
            for number in added[-5:]:
                assert store[key_for(number)].text == str(number)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(1) as thread:
            finding = thread.submit(find_the_latest)
            for number in range(400):
                add(store, number, str(number))
                added.append(number)
            finding.result(60)
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("torn", [b"{", b'{"key":"', b'{"key":"12', None])
def test_a_torn_last_line_is_passed_over_and_cut_off_by_the_next_answer(tmp_path, torn):
    add(CompletionStore(tmp_path), 1, "one")
    shard = shard_of(tmp_path)
    whole = shard.read_bytes()
    shard.write_bytes(whole + (torn or whole.replace(b"one", b"two")[:-1]))
    again = CompletionStore(tmp_path)
    assert len(again) == 1
    add(again, 2, "two")
    assert [json.loads(line)["text"] for line in shard.read_text().splitlines()] == ["one", "two"]


def test_a_running_store_too_writes_no_line_onto_a_torn_one(tmp_path):
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    with shard_of(tmp_path).open("ab") as killed_writer:
        killed_writer.write(b'{"key":"12')
    add(store, 2, "two")
    again = CompletionStore(tmp_path)
    assert (again.get(key_for(1)), again.get(key_for(2))) == (completion("one"), completion("two"))


@pytest.mark.parametrize("broken", [b'{"key": "abc"}\n', b"\n", b"\x00\xff\n", None])
def test_a_broken_line_is_an_error_that_names_file_line_and_byte(tmp_path, broken):
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    shard = shard_of(tmp_path)
    one = shard.read_bytes()
    shard.write_bytes(one + (broken or one[:-3] + b"\n") + one.replace(key_for(1).encode(), key_for(2).encode()))
    for _ in range(2):
        with pytest.raises(UserError, match=rf"translation\.ne\.jsonl: line 2, at byte {len(one)}.*delete that line"):
            store.refresh()
    with pytest.raises(UserError, match="line 2"):
        CompletionStore(tmp_path)
    lines = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(lines[0] + lines[2])
    assert CompletionStore(tmp_path)[key_for(2)] == completion("one")


def test_an_answer_whose_text_is_broken_is_an_error_when_it_is_read(tmp_path):
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    shard = shard_of(tmp_path)
    shard.write_bytes(shard.read_bytes().replace(b"one", b"\xff\xffe"))
    with pytest.raises(UserError, match=r"line 1, at byte 0.*delete that line"):
        store.get(key_for(1))


def test_a_shard_rewritten_under_a_running_store_is_an_error_not_another_answer(tmp_path):
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    add(store, 2, "two")
    shard = shard_of(tmp_path)
    shard.write_bytes(shard.read_bytes().splitlines(keepends=True)[1])
    with pytest.raises(UserError, match="changed"):
        store.get(key_for(1))
    for change in (store.refresh, lambda: add(store, 3, "three")):
        with pytest.raises(UserError, match="changed"):
            change()


def test_no_answer_goes_into_a_shard_that_was_deleted_or_replaced(tmp_path):
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    shard_of(tmp_path).unlink()
    with pytest.raises(UserError, match=r"translation\.ne\.jsonl: changed"):
        add(store, 2, "two")


def test_a_full_disk_is_a_one_line_error_and_leaves_the_shard_as_it_was(tmp_path, monkeypatch):
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    before = shard_of(tmp_path).read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:20]))
    with pytest.raises(UserError, match=r"ne\.jsonl: only 20 of \d+ bytes fitted"):
        add(store, 2, "two")

    def full(descriptor, line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UserError, match=r"ne\.jsonl: could not write: No space left"):
        add(store, 2, "two")
    monkeypatch.undo()
    assert (shard_of(tmp_path).read_bytes(), key_for(2) in store, store.spent_usd) == (before, False, 0.25)
    add(store, 2, "two")
    assert CompletionStore(tmp_path)[key_for(2)] == completion("two")


def new_answers(*numbers):
    return [NewAnswer(key_for(number), completion(str(number)), "m", 0.25) for number in numbers]


def test_answers_added_at_once_stand_as_if_they_had_come_one_by_one(tmp_path):
    store, other = CompletionStore(tmp_path / "a"), CompletionStore(tmp_path / "b")
    add(store, 2, "2")
    store.add_all("translation", "ne", new_answers(1, 2, 3))
    store.add_all("translation", "ne", [])
    for number in (2, 1, 3):
        add(other, number, str(number))
    assert shard_of(tmp_path / "a").read_bytes() == shard_of(tmp_path / "b").read_bytes()
    for each in (store, CompletionStore(tmp_path / "a")):
        assert [each[key_for(number)].text for number in (1, 2, 3)] == ["1", "2", "3"]
        assert each.spent_usd == 0.75


def test_of_answers_added_at_once_none_is_written_when_one_could_not_be_read_back(tmp_path):
    store = CompletionStore(tmp_path)
    with pytest.raises(ValueError, match="no key, token count or price"):
        store.add_all("translation", "ne", [*new_answers(1), NewAnswer("no key", completion("2"), "m", 0.25)])
    assert not list(tmp_path.iterdir())


def test_of_answers_that_did_not_all_fit_the_whole_ones_are_kept(tmp_path, monkeypatch):
    store, write = CompletionStore(tmp_path), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, lines: write(descriptor, lines[: len(lines) * 5 // 6]))
    with pytest.raises(UserError, match="bytes fitted; make room"):
        store.add_all("translation", "ne", new_answers(1, 2, 3))
    monkeypatch.undo()
    store.add_all("translation", "ne", new_answers(2, 3))
    for each in (store, CompletionStore(tmp_path)):
        assert [each[key_for(number)].text for number in (1, 2, 3)] == ["1", "2", "3"]
    assert [line.count("}") for line in shard_of(tmp_path).read_text().splitlines()] == [1, 1, 1]


def test_a_read_only_folder_can_be_read_and_takes_no_answer(tmp_path, monkeypatch):
    add(CompletionStore(tmp_path), 1, "one")
    with shard_of(tmp_path).open("ab") as killed_writer:
        killed_writer.write(b'{"key":"12')
    monkeypatch.setattr(completion_store, "MOST_UNINDEXED", 0)
    open_file = os.open

    def open_to_read(path, flags, *mode):
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return open_file(path, flags, *mode)

    monkeypatch.setattr(os, "open", open_to_read)
    store = CompletionStore(tmp_path)
    assert (store[key_for(1)], len(store)) == (completion("one"), 1)
    with pytest.raises(UserError, match=r"ranking\.vi\.jsonl: cannot be opened: Read-only"):
        add(store, 2, "two", "ranking", "vi")
    store.refresh()
    with pytest.raises(UserError, match="Read-only"), store.asking("translation", "ne"):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/store: cannot be made"):
        add(CompletionStore(tmp_path / "file" / "store"), 1, "one")


def test_what_was_lost_is_written_down_and_counted_as_spent(tmp_path):
    store, other = CompletionStore(tmp_path), CompletionStore(tmp_path)
    add(store, 1, "one")
    store.add_lost("translation", "ne", "m", 0.5, "timeout after 30 s\n\ud83d")
    other.add_lost("translation", "ne", "m", None, "reset")
    other.add_lost("ranking", "vi", "m", 0.125, "reset")
    lines = (tmp_path / "lost.jsonl").read_text().splitlines()
    expected = {"stage": "translation", "language": "ne", "model": "m", "usd": 0.5, "cause": "timeout after 30 s\n?"}
    assert json.loads(lines[0]) == expected
    for each in (store, other, CompletionStore(tmp_path)):
        each.refresh()
        assert each.spent_usd == 0.875
        assert [(row.stage, row.answers, row.lost, row.lost_usd) for row in each.spending()] == [
            ("ranking", 0, 1, 0.125),
            ("translation", 1, 2, 0.5),
        ]


@pytest.mark.parametrize("usd", [float("nan"), float("inf")])
def test_a_loss_without_a_sensible_price_is_not_written(tmp_path, usd):
    store = CompletionStore(tmp_path)
    with pytest.raises((ValueError, OverflowError)):
        store.add_lost("translation", "ne", "m", usd, "reset")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "broken",
    [
        "{}",
        "7",
        '{"stage":"a","language":"b","model":"c","usd":"d"}',
        '"',
        '{"stage":"a","language":"b","model":"c","usd":Infinity}',
    ],
)
def test_a_broken_loss_is_an_error_that_names_file_and_line(tmp_path, broken):
    CompletionStore(tmp_path).add_lost("translation", "ne", "m", 0.5, "reset")
    with (tmp_path / "lost.jsonl").open("a") as file:
        file.write(broken + "\n")
    with pytest.raises(UserError, match=r"lost\.jsonl: line 2, at byte \d+.*delete that line"):
        CompletionStore(tmp_path)


def test_syncing_works_with_and_without_new_answers(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    add(store, 2, "two", language="vi")
    store.add_lost("translation", "ne", "m", 0.5, "reset")
    store.sync()
    store.sync()
    assert len(set(synced)) == len(synced) == 3


def test_files_that_are_no_shards_are_left_alone(tmp_path):
    for name in ("notes.txt", "notes.jsonl", "._translation.ne.jsonl"):
        (tmp_path / name).write_text("mine\n")
    assert len(CompletionStore(tmp_path)) == 0


def test_a_writer_killed_at_any_moment_loses_no_answer_it_had_added(tmp_path):
    rng = random.Random(0)
    first = 0
    for _ in range(4):
        writer = start(WRITER, tmp_path, first, 10**9, 50_000, "a")
        go(writer)
        writer.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        writer.kill()
        added = [first, *map(int, writer.stdout.read().split("\n")[:-1])]
        writer.wait()
        store = CompletionStore(tmp_path)
        for number in added:
            assert store.get(key_for(number)).text.split()[0] == str(number)
        lines = shard_of(tmp_path).read_bytes().split(b"\n")
        assert [json.loads(line)["key"] for line in lines[:-1]] == [key_for(n) for n in range(len(store))]
        assert store.spent_usd == 0.25 * len(store)
        first = len(store)
    assert first > 4


def test_two_processes_append_at_once_and_every_answer_is_there_once(tmp_path):
    writers = [start(WRITER, tmp_path, 0, 300, 20_000, "a"), start(WRITER, tmp_path, 100, 400, 20_000, "b")]
    go(*writers)
    for writer in writers:
        writer.stdout.read()
        assert writer.wait() == 0
    lines = [json.loads(line) for line in shard_of(tmp_path).read_bytes().splitlines()]
    assert sorted(line["key"] for line in lines) == sorted(key_for(number) for number in range(400))
    store = CompletionStore(tmp_path)
    assert all(store.get(line["key"]).text == line["text"] for line in lines)
    assert store.spent_usd == 100.0


def test_a_forked_process_does_not_share_the_lock_of_its_parent(tmp_path):
    store = CompletionStore(tmp_path)
    add(store, 1000, "parent")
    child = os.fork()
    if child == 0:
        for number in range(300):
            add(store, number, "child " + "x" * 20_000)
        os._exit(0)
    for number in range(200, 500):
        add(store, number, "parent " + "x" * 20_000)
    assert os.waitpid(child, 0)[1] == 0
    lines = [json.loads(line)["key"] for line in shard_of(tmp_path).read_bytes().splitlines()]
    assert sorted(lines) == sorted(key_for(number) for number in [*range(500), 1000])
