"""Two processes that have divided the blocks among them train as one that holds them whole."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file as load
from torch import nn

from okapi_kedro.errors import UserError
from okapi_kedro.training.launch import launch
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.ppo.layout import _blocks
from okapi_kedro.training.ppo.shards import apart, clip_gradients, divided_like, gathered, whole
from okapi_kedro.training.ppo.train import train_policy
from okapi_kedro.training.pretraining import train_tokenizer

from ..toys import files_of, weights
from .killed import SETTINGS
from .together import Case, Seen, train_all
from .toy_loops import PROMPTS, ppo_settings

HELD_OUT = ["Words:"]
SHORT = {"learning_rate": 1e-4, "epochs": 2}
CASES = {
    "shared states": SHORT,
    "the whole model": {**SHORT, "trainable_blocks": 0},
    "bfloat16": {**SHORT, "precision": "bfloat16", "capture_states": False},
    "a limit": {**SHORT, "stop": {"kl_ceiling": 1e-9}},
    "undisturbed": {**SHORT, **SETTINGS},
    "killed": {**SHORT, **SETTINGS},
    "gone on with": {**SHORT, **SETTINGS},
}
"""Of each training what is changed in the settings."""


def directory_of(name: str, folder: Path) -> Path:
    """A training goes on in the folder of the one that was killed."""
    return folder / ("killed" if name == "gone on with" else name)


@pytest.fixture(scope="module")
def judges(upper_judging, judging, tmp_path_factory) -> dict[str, ModelReference]:
    """The reward models of the trainings: one of them reads texts, having a tokenizer of its own."""
    other = train_tokenizer(["quite other words are good and bad"], 400)
    reader = save_model(judging[0].reward_model(), other, tmp_path_factory.mktemp("reader"))
    return {name: reader if name == "bfloat16" else upper_judging for name in CASES}


@pytest.fixture(scope="module")
def divided(babbling, judges, tmp_path_factory) -> tuple[Path, dict[str, Seen | None]]:
    """The folder of all trainings in two processes, and what was seen of each."""
    folder = tmp_path_factory.mktemp("divided")
    rows = folder / "prompts.parquet"
    pd.DataFrame({"prompt": [*PROMPTS, *HELD_OUT], "held_out": [False] * len(PROMPTS) + [True]}).to_parquet(rows)
    cases = []
    for name, changes in CASES.items():
        settings = ppo_settings(**changes, processes=2, sharding="fsdp")
        directory = directory_of(name, folder)
        directory.mkdir(exist_ok=True)
        cases.append(Case(babbling, judges[name], rows, settings, directory, 3 if name == "killed" else None))
    return folder, dict(zip(CASES, launch(train_all, cases, processes=2), strict=True))


def alone(name, babbling, judges, directory):
    """The same training in one process."""
    model, log, answers = train_policy(
        babbling, judges[name], PROMPTS, ppo_settings(**CASES[name]), directory, seed=0, held_out=HELD_OUT
    )
    return weights(model), log.drop(columns="seconds"), answers


def tables(seen: Seen) -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.DataFrame(seen.log).drop(columns="seconds"), pd.DataFrame(seen.answers)


@pytest.mark.parametrize("name", ["shared states", "the whole model"])
def test_divided_blocks_learn_what_whole_ones_do(name, divided, babbling, judges, tmp_path):
    expected, log, answers = alone(name, babbling, judges, tmp_path)
    folder, seen = divided
    found_log, found_answers = tables(seen[name])
    pd.testing.assert_frame_equal(found_log, log, rtol=1e-3, atol=1e-4)
    pd.testing.assert_frame_equal(found_answers, answers, rtol=1e-3)
    start, found = weights(babbling), weights(folder / name / "model")
    moved = max(float((weight - start[key]).abs().max()) for key, weight in expected.items())
    assert moved > 1e-5
    for key, weight in expected.items():
        torch.testing.assert_close(found[key], weight, atol=moved / 50, rtol=0)
    # Some responses end early, so that one process has fewer tokens to draw than the other.
    assert 0 < log["without_eos"].mean() < 1


def test_bfloat16_begins_at_the_reference_and_keeps_the_weights_that_learn_in_float32(
    divided, babbling, judges, tmp_path
):
    expected, log, _ = alone("bfloat16", babbling, judges, tmp_path)
    folder, seen = divided
    found_log, _ = tables(seen["bfloat16"])
    assert found_log["kl"].iloc[0] == log["kl"].iloc[0] == 0
    assert found_log.drop(columns="stopped_by").notna().all(axis=None)
    assert found_log["entropy"].tolist() == pytest.approx(log["entropy"].tolist(), rel=0.05)
    start, found = weights(babbling), weights(folder / "bfloat16" / "model")
    steps = {key: (weight - start[key]).abs().max() for key, weight in found.items() if ".layers.1." in key}
    # A step of AdamW is as long as its rate; weights of the size of one would have lost it in bfloat16.
    assert all(1e-5 < step < 1e-2 for step in steps.values())
    assert all(torch.equal(weight, start[key]) for key, weight in found.items() if key not in steps)
    assert found.keys() == expected.keys()


@pytest.mark.parametrize("name", ["shared states", "the whole model", "bfloat16"])
def test_each_process_holds_half_of_the_blocks_and_leaves_what_is_frozen(name, divided, babbling):
    seen = divided[1][name]
    model = babbling.causal_lm()
    of_blocks = sum(each.numel() for each in model.base_model.layers.parameters())
    others = sum(each.numel() for each in model.parameters()) - of_blocks
    # The reference shares the head and the final norm, and has blocks of its own where they learn.
    copies = 2 if name == "the whole model" else 1
    own = of_blocks if name == "the whole model" else of_blocks // 2
    in_blocks = of_blocks + own
    assert seen.held == seen.numbers - in_blocks // 2
    assert seen.numbers >= copies * others + in_blocks
    assert seen.as_before


def test_divided_blocks_forget_the_passes_of_each_step(divided):
    """After two steps of two minibatches only the last answers, of at most ten passes, are remembered."""
    assert divided[1]["shared states"].remembered <= 2 * 10


def test_a_limit_brings_the_best_of_the_divided_weights_back(divided, babbling):
    """The first step ends at the policy that it began with, all others beyond the limit: the best one is the start."""
    folder, seen = divided
    log, answers = tables(seen["a limit"])
    assert log["stopped_by"].iloc[-1].startswith("kl_ceiling")
    assert answers["step"].unique().tolist() == [0]
    start, found = weights(babbling), weights(folder / "a limit" / "model")
    assert all(torch.equal(weight, start[key]) for key, weight in found.items())


def test_divided_and_killed_it_ends_as_undisturbed(divided):
    folder, seen = divided
    assert seen["killed"] is None
    for found, expected in zip(tables(seen["gone on with"]), tables(seen["undisturbed"]), strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    models = [ModelReference(str(folder / name / "model")) for name in ("killed", "undisturbed")]
    assert files_of(models[0]) == files_of(models[1])


def test_a_checkpoint_holds_whole_weights(divided, babbling):
    """It is of the same names and shapes as one of a single process: of the model, with its value head."""
    folder, _ = divided
    [checkpoint] = (folder / "undisturbed").glob("checkpoint-*")
    saved = {path.name: path for path in checkpoint.iterdir()}
    assert {"weights.safetensors", "optimizer.safetensors", "best.safetensors"} <= saved.keys()
    shapes = {name: weight.shape for name, weight in weights(babbling).items() if ".layers.1." in name}
    shapes |= {"value_head.weight": (1, 32), "value_head.bias": (1,)}
    assert {name: weight.shape for name, weight in load(saved["weights.safetensors"]).items()} == shapes
    assert {name: weight.shape for name, weight in load(saved["best.safetensors"]).items()} == shapes
    moments = load(saved["optimizer.safetensors"])
    assert all(moments[f"{name}/exp_avg"].shape == shape for name, shape in shapes.items())


def test_a_model_that_names_no_blocks_cannot_be_divided(babbling):
    model = babbling.causal_lm()
    model._no_split_modules = model.base_model._no_split_modules = None
    with pytest.raises(UserError, match="'llama' does not say what its blocks are: set "):
        _blocks(model)


def test_whole_tensors_are_what_they_are():
    tensor = torch.arange(3.0)
    assert whole(tensor) is tensor
    assert divided_like(tensor, torch.zeros(3)) is tensor
    assert apart([tensor]) == [[tensor]]
    assert apart([]) == []
    assert gathered({"x": tensor}, is_first=False) == {}
    assert torch.equal(gathered({"x": tensor}, is_first=True)["x"], tensor)


@pytest.mark.parametrize("longest", [0.5, 100.0])
def test_whole_gradients_are_clipped_as_torch_does(longest):
    torch.manual_seed(0)
    both = [[nn.Parameter(torch.zeros(size)) for size in (3, 50)] for _ in range(2)]
    for parameters in both:
        torch.manual_seed(1)
        for parameter in parameters:
            parameter.grad = torch.randn_like(parameter)
    norms = clip_gradients(both[0], longest), float(nn.utils.clip_grad_norm_(both[1], longest))
    assert norms[0] == norms[1]
    assert all(torch.equal(one.grad, other.grad) for one, other in zip(*both, strict=True))
