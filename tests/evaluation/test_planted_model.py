"""A model whose logits say what it knows scores what it knows, cache or no cache; one without knowledge, at chance."""

import random
import zlib
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch
from lm_eval.models.huggingface import HFLM
from toy_models import byte_tokenizer
from transformers import DynamicCache, PretrainedConfig

from okapi_kedro.evaluation.harness import answer_task
from okapi_kedro.evaluation.scores import scores_of
from okapi_kedro.evaluation.shared_context import SharedContextLM
from okapi_kedro.evaluation.tasks import benchmark_task

TOKENIZER = byte_tokenizer(2048)
QUESTIONS = 200
LETTERS = "abcdefghijklmnop"


def word(draw: random.Random) -> str:
    return "".join(draw.choices(LETTERS, k=draw.randint(2, 8)))


def table() -> pd.DataFrame:
    """ARC rows of random words: 30 for training, the others scored; with three to five options."""
    draw = random.Random(0)
    rows = []
    for place in range(30 + QUESTIONS):
        options = [f"{letter}{word(draw)}" for letter in "ABCDE"[: draw.randint(3, 5)]]
        row = {f"option_{letter}": option for letter, option in zip("abcde", [*options, "", ""], strict=False)}
        rows.append(
            {"id": f"q{place}", "instruction": f"{word(draw)} {word(draw)} {place}", **row}
            | {"answer": draw.choice("ABCDE"[: len(options)]), "split": "train" if place < 30 else "test"}
        )
    return pd.DataFrame(rows)


class FakeLogits(torch.nn.Module):
    """A language model that finds the tokens so far in its cache and makes logits of their text, which is ASCII."""

    device = torch.device("cpu")
    config = PretrainedConfig()

    def __init__(self, logits_after: Any) -> None:
        super().__init__()
        self.logits_after = logits_after

    def tie_weights(self) -> None:
        pass

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        past_key_values: DynamicCache | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> Any:
        held = input_ids[:, None, :, None].float()
        ids = (held if past_key_values is None else past_key_values.update(held, held, 0)[0])[:, 0, :, 0].long()
        mask = torch.ones_like(ids) if attention_mask is None else attention_mask
        logits = torch.zeros(*input_ids.shape, 257)
        if not logits_to_keep:
            for row in range(len(ids)):
                text = TOKENIZER.decode(ids[row][mask[row].bool()])
                for place in range(input_ids.shape[1]):
                    logits[row, place] = self.logits_after(text[: len(text) - input_ids.shape[1] + place + 1])
        return SimpleNamespace(logits=logits[:, -logits_to_keep:])


def knowing(rows: pd.DataFrame, known: set[str]) -> FakeLogits:
    """Prefers the right option to known questions, and the next one to the others."""
    favourites = {}
    for row in rows.to_dict("records"):
        options = [row[f"option_{letter}"] for letter in "abcde" if row[f"option_{letter}"]]
        favourites[row["instruction"]] = options[
            ("ABCDE".index(row["answer"]) + (row["id"] not in known)) % len(options)
        ]

    def logits_after(text: str) -> torch.Tensor:
        question, _, written = text.rpartition("Question: ")[2].partition("\nAnswer:")
        wanted = f" {favourites.get(question, '')}"
        logits = torch.zeros(257)
        if wanted.startswith(written) and wanted != written:
            logits[TOKENIZER.encode(wanted)[len(written)]] = 9.0
        return logits

    return FakeLogits(logits_after)


def guessing(seed: int) -> FakeLogits:
    """Logits that depend on the text alone, but in no way on what it says."""

    def logits_after(text: str) -> torch.Tensor:
        return torch.randn(257, generator=torch.Generator().manual_seed(zlib.crc32(f"{seed} {text}".encode())))

    return FakeLogits(logits_after)


def scores(model_class: Any, model: FakeLogits, rows: pd.DataFrame, shots: int, longest: int = 2048) -> pd.DataFrame:
    model_of_lm_eval = model_class(
        model, tokenizer=TOKENIZER, backend="causal", batch_size=16, max_length=longest, add_bos_token=False
    )
    task = benchmark_task("arc", rows, shots, "harness")
    return scores_of(pd.DataFrame(answer_task(model_of_lm_eval, "arc", task, None, 0)))


@pytest.mark.parametrize("shots", [0, 2])
def test_a_model_that_knows_half_the_answers_scores_a_half(shots):
    rows = table()
    known = {row["id"] for row in rows[rows["split"] == "test"].iloc[::2].to_dict("records")}
    ours = scores(SharedContextLM, knowing(rows, known), rows, shots)
    assert ours["value"].tolist() == [0.5, 0.5]
    assert ours["n"].tolist() == [QUESTIONS] * 2


def test_it_still_does_so_where_the_model_is_too_short_for_the_shots():
    rows = table().head(130)
    known = {f"q{place}" for place in range(30, 55)}
    ours = scores(SharedContextLM, knowing(rows, known), rows, 2, longest=90)
    assert ours["value"].tolist() == [0.25, 0.25]
    assert 20 < ours["truncated"].iloc[0] <= 100


def test_a_model_that_guesses_scores_at_chance():
    rows = table()
    chance = sum(1 / (3 + bool(row.option_d) + bool(row.option_e)) for row in rows[30:].itertuples()) / QUESTIONS
    ours = scores(SharedContextLM, guessing(1), rows, 0)
    error = (chance * (1 - chance) / QUESTIONS) ** 0.5
    assert ours["value"].tolist() == pytest.approx([chance] * 2, abs=3 * error)


def test_hflm_scores_the_same_question_by_question():
    rows = table().head(60)
    mine, theirs = (scores(model_class, guessing(2), rows, 1) for model_class in (SharedContextLM, HFLM))
    pd.testing.assert_frame_equal(mine, theirs)
