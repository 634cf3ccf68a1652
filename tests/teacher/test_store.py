import json
import random
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.messages import Completion, Sampling
from okapi_kedro.teacher.store import CompletionStore, completion_key

from .endpoint import environment, request_for


def key_for(number):
    return completion_key("m", request_for(str(number)))


def completion(text):
    return Completion(text, "stop", 5, 2)


def add(store, number, text, stage="translation", language="ne"):
    store.add(key_for(number), stage, language, completion(text), "m")


def test_an_answer_is_found_again_by_a_new_store_whatever_stage_it_was_for(tmp_path):
    store = CompletionStore(tmp_path / "made" / "here")
    add(store, 1, "नमस्ते\n\u2028\x00😀")
    add(store, 2, "two", stage="ranking", language="vi")
    again = CompletionStore(tmp_path / "made" / "here")
    assert again.get(key_for(1)) == store.get(key_for(1)) == completion("नमस्ते\n\u2028\x00😀")
    assert again.get(key_for(2)) == completion("two")
    assert again.get(key_for(3)) is None
    assert sorted(path.name for path in again.folder.iterdir()) == ["ranking.vi.jsonl", "translation.ne.jsonl"]


def test_a_line_says_what_it_is(tmp_path):
    add(CompletionStore(tmp_path), 1, "नमस्ते")
    line = (tmp_path / "translation.ne.jsonl").read_text(encoding="utf-8")
    assert json.loads(line) == {
        "key": key_for(1),
        "model": "m",
        "text": "नमस्ते",
        "finish_reason": "stop",
        "prompt_tokens": 5,
        "completion_tokens": 2,
    }
    assert "नमस्ते" in line


def test_opening_a_store_that_is_not_there_makes_nothing(tmp_path):
    assert len(CompletionStore(tmp_path / "store")) == 0
    assert not (tmp_path / "store").exists()


def test_the_first_answer_stands(tmp_path):
    store, other = CompletionStore(tmp_path), CompletionStore(tmp_path)
    add(store, 1, "first")
    add(other, 1, "second")
    assert store.get(key_for(1)) == other.get(key_for(1)) == completion("first")
    assert len((tmp_path / "translation.ne.jsonl").read_text().splitlines()) == 1


def test_refreshing_takes_in_what_another_process_wrote(tmp_path):
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


@pytest.mark.parametrize("torn", [b"{", b'{"key":"', b'{"key":"12', None])
def test_a_torn_last_line_is_cut_off_and_what_follows_is_whole(tmp_path, torn):
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    shard = tmp_path / "translation.ne.jsonl"
    whole = shard.read_bytes()
    shard.write_bytes(whole + (torn or whole.replace(b"one", b"two")[:-1]))
    again = CompletionStore(tmp_path)
    assert shard.read_bytes() == whole
    add(again, 2, "two")
    assert [json.loads(line)["text"] for line in shard.read_text().splitlines()] == ["one", "two"]


def test_a_running_store_too_writes_no_line_onto_a_torn_one(tmp_path):
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    with (tmp_path / "translation.ne.jsonl").open("ab") as killed_writer:
        killed_writer.write(b'{"key":"12')
    add(store, 2, "two")
    again = CompletionStore(tmp_path)
    assert (again.get(key_for(1)), again.get(key_for(2))) == (completion("one"), completion("two"))


def test_a_line_that_is_no_answer_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "translation.ne.jsonl").write_text('{"key": "abc"}\n')
    with pytest.raises(UserError, match=r"translation\.ne\.jsonl.*byte 0"):
        CompletionStore(tmp_path)


def test_a_shard_rewritten_under_a_running_store_is_an_error_not_another_answer(tmp_path):
    store = CompletionStore(tmp_path)
    add(store, 1, "one")
    add(store, 2, "two")
    shard = tmp_path / "translation.ne.jsonl"
    shard.write_bytes(shard.read_bytes().splitlines(keepends=True)[1])
    with pytest.raises(UserError, match="changed"):
        store.get(key_for(1))


def test_the_key_is_the_same_in_every_process_and_version():
    # Pinned: another key for the same request would pay for every stored answer again.
    request = replace(request_for("नमस्ते"), sampling=Sampling(0.5, 1.0, 100), sample=3)
    assert completion_key("m", request) == "29a06e95b2c592107ee818fcdd16ec93d71bd719813de13c4051f909d66083b9"


def test_the_key_depends_on_everything_that_shapes_the_answer_and_not_on_how_numbers_are_written():
    request = request_for("a")
    sampling = request.sampling
    others = [
        request_for("b"),
        request_for("a", sample=1),
        replace(request, messages=({"role": "system", "content": "a"},)),
        replace(request, messages=({"role": "system", "content": "x"}, *request.messages)),
        replace(request, sampling=replace(sampling, temperature=0.9)),
        replace(request, sampling=replace(sampling, top_p=0.9)),
        replace(request, sampling=replace(sampling, max_tokens=99)),
    ]
    keys = {completion_key("m", other) for other in [request, *others]} | {completion_key("n", request)}
    assert len(keys) == len(others) + 2
    assert completion_key("m", replace(request, sampling=Sampling(1, 1, 100))) == completion_key("m", request)
    reordered = replace(request, messages=({"content": "a", "role": "user"},))
    assert completion_key("m", reordered) == completion_key("m", request)


WRITER = """
import sys
from pathlib import Path
from okapi_kedro.teacher.messages import Completion, Request, Sampling
from okapi_kedro.teacher.store import CompletionStore, completion_key
folder, first, last, size, name = sys.argv[1:]
store = CompletionStore(Path(folder))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(first), int(last)):
    request = Request(({"role": "user", "content": str(number)},), Sampling(1.0, 1.0, 100))
    key = completion_key("m", request)
    store.add(key, "translation", "ne", Completion(f"{number} {name} " + "x" * int(size), "stop", 1, 1), "m")
    print(number, flush=True)
"""


def start_writer(folder, first, last, size, name):
    command = [sys.executable, "-c", WRITER, *map(str, (folder, first, last, size, name))]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(), bufsize=1
    )


def go(*writers):
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()


def test_a_writer_killed_at_any_moment_loses_no_answer_it_had_added(tmp_path):
    rng = random.Random(0)
    first = 0
    for _ in range(4):
        writer = start_writer(tmp_path, first, 10**9, 50_000, "a")
        go(writer)
        writer.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        writer.kill()
        added = [first, *map(int, writer.stdout.read().split("\n")[:-1])]
        writer.wait()
        store = CompletionStore(tmp_path)
        for number in added:
            assert store.get(key_for(number)).text.split()[0] == str(number)
        lines = (tmp_path / "translation.ne.jsonl").read_bytes().split(b"\n")
        assert lines[-1] == b""
        assert [json.loads(line)["key"] for line in lines[:-1]] == [key_for(n) for n in range(len(store))]
        first = len(store)
    assert first > 4


def test_two_processes_append_at_once_and_every_answer_is_there_once(tmp_path):
    writers = [start_writer(tmp_path, 0, 300, 20_000, "a"), start_writer(tmp_path, 100, 400, 20_000, "b")]
    go(*writers)
    for writer in writers:
        writer.stdout.read()
        assert writer.wait() == 0
    lines = [json.loads(line) for line in (tmp_path / "translation.ne.jsonl").read_bytes().splitlines()]
    assert sorted(line["key"] for line in lines) == sorted(key_for(number) for number in range(400))
    store = CompletionStore(tmp_path)
    assert all(store.get(line["key"]).text == line["text"] for line in lines)
