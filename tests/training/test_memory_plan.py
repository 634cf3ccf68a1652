"""A plan counts weights exactly and comes close to what a step really takes; a run that cannot fit is refused."""

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, BloomConfig, LlamaConfig

from okapi_kedro.errors import UserError
from okapi_kedro.training import memory_plan
from okapi_kedro.training.memory_plan import (
    MemoryPlan,
    Step,
    available_memory,
    language_model_loss,
    plan_memory,
    require_memory,
    reward_loss,
    with_tiled_logits,
)
from okapi_kedro.training.reward import freeze_below

from . import measured_memory
from .measured_memory import CASES

BLOOM_7B1 = BloomConfig(vocab_size=250_880, hidden_size=4096, n_layer=30, n_head=32)
LLAMA_7B = LlamaConfig(
    vocab_size=32_000, hidden_size=4096, num_hidden_layers=32, num_attention_heads=32, intermediate_size=11_008
)
STEP = Step(texts=1, length=16, micro_batches=1, precision="float32", gradient_checkpointing=False)
GIGABYTE = 10**9


def language_model(configuration, dtype):
    return with_tiled_logits(AutoModelForCausalLM.from_config(configuration, dtype=dtype))


def toy(dtype):
    return language_model(
        BloomConfig(vocab_size=100, hidden_size=16, n_layer=4, n_head=2, num_labels=1, pad_token_id=3), dtype
    )


def toy_reward(dtype, blocks=0):
    configuration = BloomConfig(vocab_size=100, hidden_size=16, n_layer=4, n_head=2, num_labels=1, pad_token_id=3)
    model = AutoModelForSequenceClassification.from_config(configuration, dtype=dtype)
    freeze_below(model, blocks)
    return model


@pytest.mark.parametrize(("configuration", "count"), [(BLOOM_7B1, 7_069_016_064), (LLAMA_7B, 6_738_415_616)])
def test_the_paper_s_models_take_four_bytes_for_each_of_their_weights_and_twelve_more_to_learn(configuration, count):
    plan = plan_memory(lambda dtype: language_model(configuration, dtype), language_model_loss, STEP)
    assert plan.weights == plan.gradients == 4 * count
    assert plan.optimiser == 8 * count


@pytest.fixture(scope="module")
def measured() -> list[int]:
    """What another process measured; small pieces go back to the system there as soon as they are free."""
    run = subprocess.run(
        [sys.executable, measured_memory.__file__],
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(run.stdout)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux' account of a process")
@pytest.mark.parametrize("number", range(len(CASES)), ids=["-".join(map(str, case)) for case in CASES])
def test_the_activations_are_those_that_a_real_step_takes_within_a_fifth(number, measured):
    architecture, checkpointing, precision = CASES[number]
    plan = plan_memory(
        lambda dtype: measured_memory.build(architecture, dtype),
        reward_loss,
        measured_memory.step(checkpointing, precision),
    )
    assert plan.activations == pytest.approx(measured[number], rel=0.2)


def test_bloom_s_vocabulary_never_has_the_logits_of_all_tokens_at_once():
    configuration = BloomConfig(vocab_size=250_880, hidden_size=64, n_layer=1, n_head=1)
    step = replace(STEP, texts=32, length=512)
    plan = plan_memory(lambda dtype: language_model(configuration, dtype), language_model_loss, step)
    assert plan.activations < 4 * 32 * 512 * 250_880 / 3


def test_a_plan_takes_no_memory_for_weights_and_draws_nothing_at_random():
    state = torch.get_rng_state()
    plan_memory(toy, language_model_loss, STEP)
    assert torch.equal(torch.get_rng_state(), state)


def test_recomputing_keeps_less():
    large = replace(STEP, texts=8, length=64)
    kept, recomputed = (
        plan_memory(toy_reward, reward_loss, replace(large, gradient_checkpointing=on)) for on in (False, True)
    )
    assert recomputed.activations < 0.6 * kept.activations
    assert recomputed.kept == kept.kept


def test_frozen_blocks_have_neither_gradients_nor_states_nor_kept_activations():
    large = replace(STEP, texts=8, length=64)
    whole, last = (plan_memory(lambda dtype, n=n: toy_reward(dtype, n), reward_loss, large) for n in (0, 1))
    learning = sum(each.numel() for each in toy_reward(torch.float32, 1).parameters() if each.requires_grad)
    assert last.weights == whole.weights
    assert (last.gradients, last.optimiser) == (4 * learning, 8 * learning)
    assert last.activations < 0.6 * whole.activations


def test_gradients_that_are_added_up_are_there_while_the_next_activations_are():
    once, often = (
        plan_memory(toy_reward, reward_loss, replace(STEP, texts=8, length=64, micro_batches=n)) for n in (1, 4)
    )
    assert once.activations <= often.activations
    assert often.kept == once.kept


def test_shards_divide_what_is_kept_and_gather_a_few_blocks():
    one, four = (plan_memory(toy_reward, reward_loss, replace(STEP, texts=2, shards=n)) for n in (1, 4))
    assert four.kept == pytest.approx(one.kept / 4, abs=4)
    assert one.gathered == 0
    block = 4 * sum(each.numel() for each in toy_reward(torch.float32).transformer.h[0].parameters())
    rest = one.weights - 4 * block
    assert four.gathered == rest + 3 * block


def test_what_is_offloaded_is_not_on_the_device():
    plan = plan_memory(toy_reward, reward_loss, replace(STEP, texts=2, shards=2, offload=True))
    assert plan.total == plan.gathered + plan.activations
    assert plan.weights > 0
    assert "weights" not in str(plan)


PLAN = MemoryPlan(
    weights=4 * GIGABYTE, gradients=4 * GIGABYTE, optimiser=8 * GIGABYTE, gathered=0, activations=10 * GIGABYTE
)


@pytest.mark.parametrize(
    ("gigabytes", "changes", "advice"),
    [
        (15, {}, "sharding=fsdp and processes=2, or train an adapter"),
        (2, {}, "sharding=fsdp and processes=10, or train an adapter"),
        (15, {"shards": 2}, r"raise reward\.training\.processes"),
        (20, {}, r"set reward\.training\.gradient_checkpointing=true"),
        (20, {"gradient_checkpointing": True, "texts": 8}, r"lower reward\.training\.micro_batch_size"),
        (20, {"gradient_checkpointing": True, "texts": 2}, r"lower reward\.training\.max_length"),
    ],
)
def test_what_surely_does_not_fit_is_refused_in_one_line_with_what_to_change(gigabytes, changes, advice):
    with pytest.raises(UserError, match=advice) as caught:
        require_memory(PLAN, gigabytes * GIGABYTE, replace(STEP, **changes), "reward")
    assert str(caught.value).startswith(
        "reward: one process needs about 26.0 GB (4.0 GB weights + 4.0 GB gradients + 8.0 GB optimiser + 10.0 GB "
        f"activations), and {gigabytes}.0 GB are free: "
    )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("gigabytes", "level"), [(24.1, logging.WARNING), (25.9, logging.WARNING), (26, logging.INFO), (99, logging.INFO)]
)
def test_what_may_fit_is_tried_and_said(gigabytes, level, caplog):
    with caplog.at_level(logging.INFO, logger=memory_plan.__name__):
        require_memory(PLAN, int(gigabytes * GIGABYTE), STEP, "sft")
    assert [record.levelno for record in caplog.records] == [level]


def test_a_container_s_limit_counts_where_it_is_lower(tmp_path, monkeypatch):
    limits = {"memory.max": "3000000000\n", "memory.current": "1000000000\n"}
    for name, text in limits.items():
        (tmp_path / name).write_text(text)
    assert memory_plan._free_of_control_groups(tmp_path) == [2 * GIGABYTE]
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_plan._free_of_control_groups(tmp_path) == []
    assert memory_plan._free_of_control_groups(tmp_path / "nowhere") == []


def test_processes_share_the_machine_s_memory(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(memory_plan.psutil, "virtual_memory", lambda: SimpleNamespace(available=12 * GIGABYTE))
    for limits, free in (([8 * GIGABYTE], 8), ([], 12), ([20 * GIGABYTE], 12)):
        monkeypatch.setattr(memory_plan, "_free_of_control_groups", lambda limits=limits: limits)
        assert available_memory() == free * GIGABYTE
        assert available_memory(processes=4) == free * GIGABYTE // 4


def test_this_machine_has_some_memory():
    assert available_memory() > 10**6
