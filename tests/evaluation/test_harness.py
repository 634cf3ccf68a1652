"""Scores come out as planted, equal lm-eval's own, and need nothing but the model and the tables."""

import random
import socket
from pathlib import Path

import datasets
import pandas as pd
import pytest
import torch
import transformers
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from tokenizers import processors
from toy_models import byte_tokenizer
from transformers import BloomConfig, BloomForCausalLM

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.harness import answer_task, evaluate_model, load_model
from okapi_kedro.evaluation.prompt_styles import STYLES
from okapi_kedro.evaluation.scores import scores_of
from okapi_kedro.evaluation.tasks import FEWSHOT_SEED, benchmark_task

SHIPPED = Path(__file__).parents[2] / "data" / "01_raw" / "benchmarks"
SHOTS = {"arc": 2, "hellaswag": 0, "mmlu": 5}
ALL = {"style": "okapi", "batch_size": 16, "max_questions": None, "seed": 0}


@pytest.fixture(scope="module")
def random_bloom(tmp_path_factory):
    """Folder of a BLOOM with random weights, with a tokenizer."""
    folder = tmp_path_factory.mktemp("bloom")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BloomForCausalLM(BloomConfig(vocab_size=257, hidden_size=32, n_layer=2, n_head=2))
    model.save_pretrained(folder)
    byte_tokenizer(2048).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def tables():
    return {name: pd.read_json(SHIPPED / f"{name}/sample.jsonl", lines=True) for name in SHOTS}


class PlantedModel(HFLM):
    """Gives each continuation a log-likelihood written down beforehand; one token per character."""

    def __init__(self, likelihoods: dict[tuple[str, str, str], float]) -> None:
        self.likelihoods = likelihoods

    def loglikelihood(self, requests, disable_tqdm=False):
        return [(self.likelihoods[request.doc["id"], *request.args], False) for request in requests]

    def tok_encode(self, string, **_):
        return list(string)

    @property
    def max_length(self):
        return 10_000


def _planted(task, known: int) -> PlantedModel:
    """A model that prefers the right answer to the first `known` questions and a wrong one to the others."""
    likelihoods = {}
    for place, doc in enumerate(task.eval_docs):
        favourite = doc["gold"] if place < known else (doc["gold"] + 1) % len(doc["choices"])
        context = task.fewshot_context(doc, task.config.num_fewshot)
        for option, text in enumerate(doc["choices"]):
            likelihoods[doc["id"], context, f" {text}"] = -0.1 if option == favourite else -10.0 * len(text)
    task.set_fewshot_seed(FEWSHOT_SEED)
    return PlantedModel(likelihoods)


def planted_scores(model, name, task, most=None) -> pd.DataFrame:
    return scores_of(pd.DataFrame(answer_task(model, name, task, most, 0)))


@pytest.mark.parametrize("style", ["harness", "okapi"])
@pytest.mark.parametrize("benchmark", SHOTS)
def test_a_model_that_knows_half_the_answers_scores_a_half(benchmark, style, tables):
    task = benchmark_task(benchmark, tables[benchmark], SHOTS[benchmark], style)
    scores = planted_scores(_planted(task, 50), benchmark, task)
    assert scores[["metric", "value", "n", "truncated"]].to_numpy().tolist() == [
        ["acc", 0.5, 100, 0],
        ["acc_norm", 0.5, 100, 0],
    ]
    assert scores["stderr"].tolist() == pytest.approx([0.5 / 99**0.5] * 2)


def test_the_questions_drawn_come_from_the_whole_table(tables):
    task = benchmark_task("arc", tables["arc"], 0, "okapi")
    acc = planted_scores(_planted(task, 50), "arc", task, 40).iloc[0]
    assert acc["n"] == 40
    assert 0.25 < acc["value"] < 0.75


def test_acc_takes_the_likeliest_option_and_acc_norm_the_likeliest_per_character():
    row = {
        "id": "t/test/0", "instruction": "?", "option_a": "ab", "option_b": "नेपालको", "option_c": "c", "option_d": "d",
        "answer": "B", "split": "test",
    }  # fmt: skip
    task = benchmark_task("mmlu", pd.DataFrame([row]), 0, "okapi")
    context = "Question: ?\nChoices:\nA. ab\nB. नेपालको\nC. c\nD. d\nAnswer:"
    # per character: -1, -0.6 (seven code points), -9, -9; per UTF-8 byte the second would win by more
    planted = {" ab": -2.0, " नेपालको": -4.2, " c": -9.0, " d": -9.0}
    model = PlantedModel({(task.eval_docs[0]["id"], context, text): value for text, value in planted.items()})
    (answer,) = answer_task(model, "mmlu", task, None, 0)
    assert answer == {
        "task": "mmlu", "id": "t/test/0", "shots": 0, "gold": 1, "chosen": 0, "chosen_norm": 1,
        "log_likelihoods": [-2.0, -4.2, -9.0, -9.0], "truncated": False,
    }  # fmt: skip
    assert planted_scores(model, "mmlu", task)["value"].tolist() == [0.0, 1.0]


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_a_random_model_scores_at_chance_without_a_network(random_bloom, tables):
    shots = {"arc": 0, "hellaswag": 0, "mmlu": 0}
    scores = scores_of(evaluate_model(random_bloom, tables, shots, **ALL))
    assert list(scores.columns) == ["task", "metric", "shots", "value", "stderr", "n", "truncated"]
    assert list(zip(scores["task"], scores["metric"], strict=True)) == [
        (task, metric) for task in shots for metric in ("acc", "acc_norm")
    ]
    assert (scores["n"] == 100).all()
    assert ((scores["value"] - 0.25).abs() <= 3 * (0.25 * 0.75 / 100) ** 0.5).all(), scores


def test_a_run_is_silent_and_leaves_no_files_and_no_changed_generators(
    random_bloom, tables, tmp_path, monkeypatch, capfd
):
    cache, working = tmp_path / "cache", tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    # the bar while weights are loaded is transformers' own, and an application's to switch off
    monkeypatch.setattr(transformers.utils.logging, "_tqdm_active", False)
    files = sorted(Path(random_bloom).iterdir())
    generators = random.getstate(), torch.get_rng_state()
    capfd.readouterr()
    evaluate_model(random_bloom, tables, SHOTS, **{**ALL, "max_questions": 5})
    assert capfd.readouterr() == ("", "")
    assert not cache.exists()
    assert not list(working.iterdir())
    assert sorted(Path(random_bloom).iterdir()) == files
    assert random.getstate() == generators[0]
    assert torch.equal(torch.get_rng_state(), generators[1])


@pytest.mark.parametrize("style", ["harness", "okapi"])
def test_the_numbers_are_lm_evals_own(random_bloom, tables, style):
    few = {name: table.head(32) for name, table in tables.items()}
    ours = scores_of(evaluate_model(random_bloom, few, SHOTS, **{**ALL, "style": style}))
    tasks = {name: benchmark_task(name, few[name], SHOTS[name], style) for name in SHOTS}
    model = HFLM(BloomForCausalLM.from_pretrained(random_bloom), tokenizer=random_bloom, batch_size=16)
    # a mean's error has a closed form: with 1, lm-eval reports it and draws no bootstrap sample
    theirs = evaluate(model, {"tasks": tasks}, bootstrap_iters=1)["results"]
    for row in ours.itertuples():
        assert row.value == pytest.approx(theirs[row.task][f"{row.metric},none"])
        assert row.stderr == pytest.approx(theirs[row.task][f"{row.metric}_stderr,none"])
        assert row.shots == SHOTS[row.task]


def test_a_seed_draws_the_same_questions_every_time_and_another_seed_others(random_bloom, tables):
    def scores(seed):
        shots = {"mmlu": 0}
        few = {"mmlu": tables["mmlu"]}
        return scores_of(evaluate_model(random_bloom, few, shots, **{**ALL, "max_questions": 30, "seed": seed}))

    first, again = scores(1), scores(1)
    pd.testing.assert_frame_equal(first, again)
    assert (first["n"] == 30).all()
    assert any(not first["value"].equals(scores(seed)["value"]) for seed in (2, 3, 4))


def test_questions_that_are_too_long_for_the_model_are_counted(random_bloom, tables, tmp_path):
    model = BloomForCausalLM.from_pretrained(random_bloom)
    model.save_pretrained(tmp_path)
    task = benchmark_task("arc", tables["arc"], 0, "okapi")
    options = [[len(f"{doc['query']} {choice}".encode()) for choice in doc["choices"]] for doc in task.eval_docs]
    longest = sorted(max(lengths) for lengths in options)[60] - 1
    byte_tokenizer(longest).save_pretrained(tmp_path)
    answers = evaluate_model(str(tmp_path), {"arc": tables["arc"]}, {"arc": 0}, **ALL)
    scores = scores_of(answers)
    too_long = sum(max(lengths) - 1 > longest for lengths in options)
    assert 0 < too_long < 100
    assert (scores["truncated"] == too_long).all()
    assert answers["truncated"].tolist() == [max(lengths) - 1 > longest for lengths in options]


def test_the_style_says_whether_a_tokenizer_that_puts_a_bos_before_a_text_does_so(random_bloom, tmp_path):
    BloomForCausalLM.from_pretrained(random_bloom).save_pretrained(tmp_path)
    tokenizer = byte_tokenizer(2048)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A", special_tokens=[("</s>", 256)]
    )
    tokenizer.save_pretrained(tmp_path)
    assert tokenizer("ab")["input_ids"][0] == 256
    letters = tokenizer.convert_tokens_to_ids(["a", "b"])
    assert load_model(str(tmp_path), 1, STYLES["okapi"].add_bos).tok_encode("ab") == letters
    assert load_model(str(tmp_path), 1, STYLES["harness"].add_bos).tok_encode("ab") == [256, *letters]


def test_a_model_that_is_not_there_is_named(tables, tmp_path):
    with pytest.raises(UserError, match=r"cannot load a model from .*nowhere"):
        evaluate_model(str(tmp_path / "nowhere"), {"arc": tables["arc"]}, {"arc": 0}, **ALL)


def test_a_benchmark_without_shots_is_named(random_bloom, tables):
    with pytest.raises(UserError, match="no number of shots for the benchmark 'arc'"):
        evaluate_model(random_bloom, {"arc": tables["arc"]}, {}, **ALL)
