import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from okapi_kedro.teacher.store import CompletionStore

from .answers import ASKER, add, completion, go, key_for, start


def test_a_second_process_waits_says_for_whom_and_then_knows_the_answers(tmp_path, caplog):
    asker = start(ASKER, tmp_path)
    go(asker)
    assert asker.stdout.readline() == "asking\n"
    store = CompletionStore(tmp_path)
    caplog.set_level(logging.INFO)

    def finish_when_waited_for():
        while "waiting" not in caplog.text:
            time.sleep(0.01)
        add(CompletionStore(tmp_path), 1, "one")
        go(asker)

    with ThreadPoolExecutor(1) as thread:
        finished = thread.submit(finish_when_waited_for)
        with store.asking("translation", "ne"):
            assert store[key_for(1)] == completion("one")
            assert asker.wait(10) == 0
        finished.result()
    assert f"waiting for process {asker.pid} on " in caplog.text
    assert "translation.ne.lock" in caplog.text


def test_the_turn_of_a_killed_process_is_over(tmp_path, caplog):
    asker = start(ASKER, tmp_path)
    go(asker)
    asker.stdout.readline()
    asker.kill()
    asker.wait()
    with CompletionStore(tmp_path).asking("translation", "ne"):
        pass
    assert "waiting" not in caplog.text


def test_other_stages_and_languages_do_not_wait(tmp_path):
    store = CompletionStore(tmp_path)
    with store.asking("translation", "ne"), store.asking("translation", "vi"), store.asking("ranking", "ne"):
        add(store, 1, "one")
    with pytest.raises(ZeroDivisionError), store.asking("translation", "ne"):
        raise ZeroDivisionError
    with store.asking("translation", "ne"):
        pass


def test_threads_of_one_process_take_turns(tmp_path):
    store = CompletionStore(tmp_path)
    inside = most_inside = 0
    lock = threading.Lock()

    def ask():
        nonlocal inside, most_inside
        with store.asking("translation", "ne"):
            with lock:
                inside += 1
                most_inside = max(most_inside, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(4) as threads:
        for asking in [threads.submit(ask) for _ in range(8)]:
            asking.result()
    assert (inside, most_inside) == (0, 1)


def test_waiting_ends_at_once_on_ctrl_c(tmp_path, caplog):
    asker = start(ASKER, tmp_path)
    go(asker)
    asker.stdout.readline()
    store = CompletionStore(tmp_path)
    caplog.set_level(logging.INFO)

    def interrupt():
        while "waiting" not in caplog.text:
            time.sleep(0.01)
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor(1) as thread:
        interrupted = thread.submit(interrupt)
        with pytest.raises(KeyboardInterrupt), store.asking("translation", "ne"):
            pass
        interrupted.result()
    go(asker)
    assert asker.wait(10) == 0
