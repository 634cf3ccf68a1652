"""Responses drawn in parts are those drawn at once, after any kill; what does not fit any more is drawn again."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.training import response_parts
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.response_parts import draw_in_parts
from okapi_kedro.training.sampling import Response, SamplingSettings, respond

SETTINGS = SamplingSettings(temperature=1.0, top_p=1.0, max_new_tokens=6, batch_size=4)
PROMPTS = [f"{thing}:" for thing in ("Words", "राजा", "国王", "The king's daughters", "a") for _ in range(4)]
NAMES = [str(n) for n in range(len(PROMPTS))]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(response_parts, "PART", 3)


@pytest.fixture
def drawing(monkeypatch):
    """The prompts that are drawn for, and a number after which drawing ends in an error."""
    asked, limit, draw = [], [None], response_parts.draw

    def watched(model, prompts, *arguments):
        for place, response in draw(model, prompts, *arguments):
            if limit[0] is not None and len(asked) >= limit[0]:
                raise KeyboardInterrupt
            asked.append(prompts[place])
            yield place, response

    monkeypatch.setattr(response_parts, "draw", watched)
    return asked, limit


def drawn(model, folder, prompts=PROMPTS, names=NAMES, seed=1, **changes):
    return draw_in_parts(model, prompts, names, SETTINGS.model_copy(update=changes), seed, folder)


def test_parts_together_are_what_is_drawn_at_once(babbling, tmp_path):
    expected = respond(babbling, PROMPTS, SETTINGS, 1, "test", NAMES)
    assert drawn(babbling, tmp_path / "not" / "there") == expected


@pytest.mark.parametrize("killed_after", [0, 1, 3, 10, 19])
def test_a_killed_run_goes_on_and_comes_to_the_same(killed_after, babbling, tmp_path, drawing):
    asked, limit = drawing
    limit[0] = killed_after
    with pytest.raises(KeyboardInterrupt):
        drawn(babbling, tmp_path)
    kept = killed_after // 3 * 3
    limit[0] = None
    asked.clear()
    assert drawn(babbling, tmp_path) == respond(babbling, PROMPTS, SETTINGS, 1, "test", NAMES)
    assert len(asked) == len(PROMPTS) - kept


def test_a_finished_run_is_read_without_the_model(babbling, tmp_path, drawing):
    asked, _ = drawing
    first = drawn(babbling, tmp_path)
    asked.clear()
    assert drawn(babbling, tmp_path, batch_size=7) == first
    assert asked == []


def test_more_prompts_and_changed_ones_alone_are_drawn(babbling, tmp_path, drawing):
    asked, _ = drawing
    drawn(babbling, tmp_path, PROMPTS[:8], NAMES[:8])
    asked.clear()
    changed = ["Other:", *PROMPTS[1:]]
    assert drawn(babbling, tmp_path, changed) == respond(babbling, changed, SETTINGS, 1, "test", NAMES)
    assert sorted(asked) == sorted(["Other:", *PROMPTS[8:]])


@pytest.mark.parametrize("change", [{"seed": 2}, {"temperature": 0.5}, {"top_p": 0.5}, {"max_new_tokens": 5}])
def test_other_settings_draw_afresh_and_remove_the_old_parts(change, babbling, tmp_path, drawing):
    asked, _ = drawing
    drawn(babbling, tmp_path)
    [old] = tmp_path.iterdir()
    asked.clear()
    drawn(babbling, tmp_path, **change)
    assert len(asked) == len(PROMPTS)
    [new] = tmp_path.iterdir()
    assert new != old


def test_a_model_whose_weights_changed_under_its_name_draws_afresh_and_a_copy_does_not(
    babbling, untrained, tmp_path, drawing
):
    asked, _ = drawing
    place, parts = tmp_path / "model", tmp_path / "parts"
    shutil.copytree(babbling.name, place)
    (place / "README.md").write_text("what one may know of a model", encoding="utf-8")
    first = drawn(babbling, parts)
    asked.clear()
    assert drawn(ModelReference(str(place)), parts) == first
    assert asked == []
    shutil.rmtree(place)
    shutil.copytree(untrained("llama").name, place)
    assert drawn(ModelReference(str(place)), parts) != first
    assert len(asked) == len(PROMPTS)


def test_two_runs_leave_the_same_files(babbling, tmp_path):
    for name in ("first", "second"):
        drawn(babbling, tmp_path / name)
    first, second = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.part")}
        for name in ("first", "second")
    )
    assert first == second
    assert len(first) == 7


def test_a_file_that_was_never_finished_is_not_read_and_a_damaged_one_is_named(babbling, tmp_path):
    first = drawn(babbling, tmp_path)
    [place] = tmp_path.iterdir()
    (place / "torn.unfinished").write_bytes(b"PAR1")
    assert drawn(babbling, tmp_path) == first
    damaged = sorted(place.glob("*.part"))[2]
    damaged.write_bytes(damaged.read_bytes()[:40])
    with pytest.raises(UserError, match=rf"{damaged.name} cannot be read .*remove it"):
        drawn(babbling, tmp_path)
    damaged.unlink()
    assert drawn(babbling, tmp_path) == first


def test_texts_of_any_kind_come_back_as_they_were(tmp_path, monkeypatch):
    texts = ["", "a\nb\r\n\t", "\x00", "🦌 नेपाल", "NaN", "None", "x" * 100_000]
    monkeypatch.setattr(
        response_parts,
        "draw",
        lambda model, prompts, *_: ((n, Response(texts[n], "stop")) for n in range(len(prompts))),
    )
    names = [str(n) for n in range(len(texts))]
    for _ in range(2):
        responses = drawn(ModelReference("some/model"), tmp_path, names, names)
        assert [response.text for response in responses] == texts


PROGRAM = """
import sys
from pathlib import Path
import torch
from okapi_kedro.training import response_parts
from okapi_kedro.training.models import ModelReference
from tests.training.test_response_parts import NAMES, PROMPTS, SETTINGS

torch.set_num_threads(1)
response_parts.PART = 1
write = response_parts._write

def told(part, place):
    write(part, place)
    print("written", flush=True)

response_parts._write = told
slow = SETTINGS.model_copy(update={"batch_size": 1})
response_parts.draw_in_parts(ModelReference(sys.argv[1]), PROMPTS, NAMES, slow, 1, Path(sys.argv[2]))
"""


def test_a_process_that_is_killed_for_good_loses_no_part(babbling, tmp_path, drawing):
    asked, _ = drawing
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, babbling.name, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=root,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        for _ in range(4):
            assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert drawn(babbling, tmp_path) == respond(babbling, PROMPTS, SETTINGS, 1, "test", NAMES)
    assert len(asked) <= len(PROMPTS) - 4
