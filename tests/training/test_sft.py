"""Fine-tuning learns the completions and nothing else, and never from held-out rows."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import torch
from jinja2 import TemplateError
from tokenizers.processors import TemplateProcessing
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTTrainer

from okapi_kedro.errors import UserError
from okapi_kedro.training import memory_plan, sft
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.prompt import ENGLISH, prompt_of
from okapi_kedro.training.sft import fine_tune

from .toys import FACTS, RECIPE, facts, files_of, repeatable, training, weights

KNOWN = len(FACTS)


@pytest.fixture
def batches(monkeypatch):
    """Every batch that a loss is computed on: (for training, input_ids, attention_mask, labels)."""
    seen = []

    class WatchedTrainer(SFTTrainer):
        def compute_loss(self, model, inputs, *args, **kwargs):
            seen.append((model.training, inputs["input_ids"], inputs["attention_mask"], inputs["labels"]))
            return super().compute_loss(model, inputs, *args, **kwargs)

    monkeypatch.setattr(sft, "SFTTrainer", WatchedTrainer)
    return seen


def rows_seen(batches, in_training: bool, tokenizer) -> Counter:
    """How often each (read text, learned text) was in a batch, without padding."""
    return Counter(
        (tokenizer.decode(ids[mask == 1]), tokenizer.decode(row[row != -100]))
        for training_batch, input_ids, masks, labels in batches
        if training_batch == in_training
        for ids, mask, row in zip(input_ids, masks, labels, strict=True)
    )


def completion_loss(model, tokenizer, rows: pd.DataFrame) -> float:
    """Mean cross-entropy of the tokens of the completions and of the ends, row by row without padding."""
    losses = []
    for row in rows.itertuples():
        prompt = tokenizer(row.prompt, return_tensors="pt")["input_ids"][0]
        completion = tokenizer(row.completion + "</s>", return_tensors="pt")["input_ids"][0]
        with torch.inference_mode():
            logits = model.eval()(torch.cat([prompt, completion])[None]).logits[0]
        losses.append(cross_entropy(logits[len(prompt) - 1 : -1], completion, reduction="none"))
    return torch.cat(losses).mean().item()


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_the_loss_sees_the_completion_and_its_end_and_nothing_of_the_prompt(architecture, batches, untrained, tmp_path):
    examples, tokenizer = facts(), untrained(architecture).tokenizer()
    longest = max(
        len(ids) + 1 for ids in tokenizer((examples["prompt"] + examples["completion"]).tolist())["input_ids"]
    )
    settings = training(epochs=2, micro_batch_size=2, max_length=longest)
    fine_tune(untrained(architecture), examples, settings, RECIPE, ENGLISH, tmp_path, seed=0)
    expected = [(row.prompt + row.completion + "</s>", row.completion + "</s>") for row in examples.itertuples()]
    assert rows_seen(batches, True, tokenizer) == Counter(expected[:KNOWN] * 2)
    assert rows_seen(batches, False, tokenizer) == Counter(expected[KNOWN:] * 2)
    for _, input_ids, masks, labels in batches:
        assert (labels[masks == 0] == -100).all()
        learned = labels != -100
        assert torch.equal(labels[learned], input_ids[learned])


def test_a_tokenizer_that_starts_texts_with_a_token_starts_each_row_with_one(batches, untrained, tmp_path):
    tokenizer = untrained("llama").tokenizer()
    tokenizer._tokenizer.post_processor = _starting_with(tokenizer.bos_token, tokenizer.bos_token_id)
    base = save_model(untrained("llama").causal_lm(), tokenizer, tmp_path / "base")
    assert base.tokenizer()("a")["input_ids"][0] == tokenizer.bos_token_id
    fine_tune(base, facts(), training(), RECIPE, ENGLISH, tmp_path / "tuned", seed=0)
    rows = [*rows_seen(batches, True, tokenizer), *rows_seen(batches, False, tokenizer)]
    assert len(rows) == KNOWN + 2
    assert all(read.startswith("<s>Below") and read.count("<s>") == 1 for read, _ in rows)
    assert not [learned for _, learned in rows if "<s>" in learned]


def _starting_with(token: str, token_id: int):
    return TemplateProcessing(single=f"{token} $A", special_tokens=[(token, token_id)])


def test_the_logged_losses_are_the_cross_entropy_of_the_completions(untrained, tmp_path):
    examples = facts()
    still = training(learning_rate=0.0, batch_size=8, micro_batch_size=8)
    model, log = fine_tune(untrained("bloom"), examples, still, RECIPE, ENGLISH, tmp_path, seed=0)
    network, tokenizer = untrained("bloom").causal_lm(), untrained("bloom").tokenizer()
    assert log["loss"].dropna().tolist() == pytest.approx(
        [completion_loss(network, tokenizer, examples[~examples["held_out"]])], abs=1e-5
    )
    assert log["eval_loss"].dropna().tolist() == pytest.approx(
        [completion_loss(network, tokenizer, examples[examples["held_out"]])], abs=1e-5
    )
    before = weights(untrained("bloom"))
    assert all(torch.equal(value, before[name]) for name, value in weights(model).items())


@pytest.mark.parametrize("micro_batch_size", [1, 2, 3])
def test_the_loss_of_a_step_is_the_same_however_the_batch_is_split(micro_batch_size, untrained, tmp_path):
    examples = facts()
    settings = training(learning_rate=0.0, batch_size=6, micro_batch_size=micro_batch_size)
    _, log = fine_tune(untrained("bloom"), examples, settings, RECIPE, ENGLISH, tmp_path, seed=0)
    expected = completion_loss(
        untrained("bloom").causal_lm(), untrained("bloom").tokenizer(), examples[~examples["held_out"]]
    )
    assert log["loss"].dropna().tolist() == pytest.approx([expected], abs=1e-4)


def test_fine_tuning_lowers_the_loss_to_next_to_nothing_on_facts_it_can_learn(knowing):
    losses = knowing[1]["loss"].dropna().tolist()
    assert losses[0] > 4
    assert losses[-1] < 0.1


def test_the_saved_model_answers_in_plain_transformers(knowing):
    model = AutoModelForCausalLM.from_pretrained(knowing[0].name)
    tokenizer = AutoTokenizer.from_pretrained(knowing[0].name)
    for row in facts().head(KNOWN).itertuples():
        inputs = tokenizer(row.prompt, return_tensors="pt", return_token_type_ids=False)
        output = model.generate(**inputs, max_new_tokens=20, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        assert tokenizer.decode(output) == row.completion + "</s>"


def test_what_held_out_rows_say_changes_no_weight(untrained, tmp_path):
    examples = facts()
    others = examples.assign(
        prompt=examples["prompt"].where(~examples["held_out"], "Something else:"),
        completion=examples["completion"].where(~examples["held_out"], " entirely"),
    )
    runs = [
        fine_tune(untrained("bloom"), rows, training(epochs=2), RECIPE, ENGLISH, tmp_path / name, seed=0)
        for name, rows in (("facts", examples), ("others", others))
    ]
    assert files_of(runs[0][0]) == files_of(runs[1][0])
    assert runs[0][1]["loss"].dropna().tolist() == runs[1][1]["loss"].dropna().tolist()
    assert runs[0][1]["eval_loss"].dropna().tolist() != runs[1][1]["eval_loss"].dropna().tolist()


@pytest.mark.parametrize("architecture", ["bloom", "llama"])
def test_the_same_seed_gives_the_same_files_and_the_same_log(architecture, untrained, tmp_path):
    runs = [
        fine_tune(untrained(architecture), facts(), training(epochs=2), RECIPE, ENGLISH, tmp_path / name, seed)
        for name, seed in (("one", 3), ("two", 3), ("other", 4))
    ]
    assert files_of(runs[0][0]) == files_of(runs[1][0])
    pd.testing.assert_frame_equal(repeatable(runs[0][1]), repeatable(runs[1][1]))
    assert files_of(runs[0][0])["model.safetensors"] != files_of(runs[2][0])["model.safetensors"]


def test_recomputing_activations_changes_no_weight(untrained, tmp_path):
    runs = [
        fine_tune(
            untrained("bloom"),
            facts(),
            training(gradient_checkpointing=on),
            RECIPE,
            ENGLISH,
            tmp_path / str(on),
            seed=0,
        )[0]
        for on in (False, True)
    ]
    assert files_of(runs[0])["model.safetensors"] == files_of(runs[1])["model.safetensors"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_model_stored_in_half_precision_learns_as_well_as_in_full(precision, untrained, knowing, tmp_path):
    stored = save_model(untrained("bloom").causal_lm().half(), untrained("bloom").tokenizer(), tmp_path / "half")
    settings = training(epochs=10, batch_size=3, micro_batch_size=3, precision=precision)
    model, log = fine_tune(stored, facts(), settings, RECIPE, ENGLISH, tmp_path / "tuned", seed=0)
    losses, in_full = log["loss"].dropna(), knowing[1]["loss"].dropna()
    assert losses.iloc[:20].tolist() == pytest.approx(in_full.iloc[:20].tolist(), rel=0.1)
    assert {value.dtype for value in weights(model).values()} == {torch.float32}


@pytest.mark.parametrize(("held_out", "counts"), [(False, "6 and 0"), (True, "0 and 6")])
def test_rows_of_one_kind_only_are_an_error_that_counts_them(held_out, counts, untrained, tmp_path):
    examples = facts().head(KNOWN).assign(held_out=held_out)
    with pytest.raises(UserError, match=f"there are {counts}"):
        fine_tune(untrained("bloom"), examples, training(), RECIPE, ENGLISH, tmp_path, seed=0)


def test_a_base_model_that_does_not_exist_is_an_error_of_one_line(tmp_path):
    with pytest.raises(UserError) as caught:
        fine_tune(
            ModelReference(str(tmp_path / "nowhere")), facts(), training(), RECIPE, ENGLISH, tmp_path / "tuned", seed=0
        )
    assert "nowhere" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_training_prints_nothing(untrained, tmp_path, capsys):
    fine_tune(untrained("bloom"), facts(), training(), RECIPE, ENGLISH, tmp_path, seed=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("llama", {"batching": "packed"}),
        ("bloom", {"batching": "length_grouped", "loss_on": "everything"}),
        ("llama", {"adapter": RECIPE.adapter.model_copy(update={"kind": "lora", "rank": 16, "alpha": 64})}),
    ],
)
def test_every_recipe_learns_the_facts_and_saves_a_plain_model(architecture, changes, untrained, tmp_path):
    pytest.importorskip("peft")
    base, recipe = untrained(architecture), RECIPE.model_copy(update=changes)
    settings = training(epochs=30, batch_size=3, micro_batch_size=3, learning_rate=1e-2)
    model, log = fine_tune(base, facts(), settings, recipe, ENGLISH, tmp_path, seed=0)
    losses = log["loss"].dropna()
    assert losses.iloc[-1] < losses.iloc[0] - 2
    assert weights(model).keys() == weights(base).keys()
    assert not list(Path(model.name).glob("*adapter*"))


def test_a_packed_step_learns_from_as_many_rows_as_one_without_packing(untrained, tmp_path):
    packed = RECIPE.model_copy(update={"batching": "packed"})
    settings = training(epochs=1, batch_size=6, micro_batch_size=2, max_length=128)
    _, log = fine_tune(untrained("llama"), facts(), settings, packed, ENGLISH, tmp_path, seed=0)
    assert log["loss"].count() in (1, 2)


def test_packing_is_refused_for_a_model_whose_rows_would_see_each_other(untrained, tmp_path):
    packed = RECIPE.model_copy(update={"batching": "packed"})
    with pytest.raises(UserError, match=r"packed does not go with bloom.*use length_grouped"):
        fine_tune(untrained("bloom"), facts(), training(), packed, ENGLISH, tmp_path, seed=0)


def test_a_model_that_does_not_fit_into_memory_is_refused_before_it_is_loaded(monkeypatch, untrained, tmp_path):
    monkeypatch.setattr(memory_plan, "available_memory", lambda processes: 10**5)
    monkeypatch.setattr(ModelReference, "causal_lm", None)
    with pytest.raises(UserError, match=r"^sft: one process needs about .*, and 0\.0 GB are free: divide them with"):
        fine_tune(untrained("bloom"), facts(), training(), RECIPE, ENGLISH, tmp_path, seed=0)


def test_the_model_carries_its_prompt_and_how_it_is_sampled_from(knowing):
    model = knowing[0]
    thing = next(iter(FACTS))
    dialogue = [{"role": "user", "content": f"Name the colour: {thing}"}]
    prompt = model.tokenizer().apply_chat_template(dialogue, tokenize=False)
    assert prompt == prompt_of(f"Name the colour: {thing}", "", ENGLISH)
    assert model.causal_lm().generation_config.top_k == 40
    with pytest.raises(TemplateError, match="one message"):
        model.tokenizer().apply_chat_template([*dialogue, *dialogue], tokenize=False)
