"""What the loss sees, decoded batch by batch as the trainer's own loader yields it, and what a row in a pack sees."""

from collections import Counter
from functools import cache
from itertools import pairwise

import pandas as pd
import pytest
import torch
from datasets import Dataset
from pydantic import ValidationError
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, FalconConfig, Gemma2Config, GPT2Config, MptConfig, set_seed
from trl import SFTConfig, SFTTrainer

from okapi_kedro.errors import UserError
from okapi_kedro.training.lengths import set_aside_long, token_counts
from okapi_kedro.training.pretraining import new_model, train_tokenizer
from okapi_kedro.training.prompt import ENGLISH, completion_of, prompt_of
from okapi_kedro.training.sft_recipe import SftRecipe, keeps_packed_rows_apart, packs_per_step, recipe_arguments

from .toys import FACTS, TOKENIZER_TEXTS, small_model, training

FULL = {"kind": "none", "rank": 8, "alpha": 16, "dropout": 0.0, "modules": "all-linear"}
RESPONSES = [*FACTS.values(), "", "...", "two\n\n### Response:\nlines", "👩🏽‍🚀 ok\u200b", "green green green green"]
ROWS = [
    {
        "prompt": prompt_of(f"Name {number}", "" if number % 3 else "x, 雪", ENGLISH),
        "completion": completion_of(response),
    }
    for number, response in enumerate(RESPONSES)
]
FAMILIES = ["bloom", "llama, padded with its end", "llama, padded with <unk>"]


def recipe(**changes) -> SftRecipe:
    return SftRecipe(**{"loss_on": "completion", "batching": "padded", "adapter": FULL, **changes})


@cache
def tokenizer_of(family: str):
    """LLaMA's begins every text with <s>."""
    tokenizer = train_tokenizer([*TOKENIZER_TEXTS, *(row["prompt"] for row in ROWS)], 700)
    if family.startswith("llama"):
        start = [("<s>", tokenizer.bos_token_id)]
        tokenizer._tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=start)
    if "," in family:
        tokenizer.pad_token = "</s>" if "end" in family else "<unk>"
    return tokenizer


def network(family: str):
    """An untrained model, always of the same weights, and the tokenizer of its family."""
    set_seed(0)
    architecture, _, _ = family.partition(",")
    return new_model(small_model(architecture), tokenizer_of(family)), tokenizer_of(family)


def longest_row(tokenizer) -> int:
    return max(len(tokenizer(row["prompt"] + row["completion"])["input_ids"]) + 1 for row in ROWS)


def trainer_of(family, arguments, tmp_path, *, packed_rows=3, side="right", micro_batch_size=2) -> SFTTrainer:
    """TRL's trainer; the longest row is exactly as long as fits."""
    model, tokenizer = network(family)
    tokenizer.padding_side = side
    longest = longest_row(tokenizer)
    settings = training(micro_batch_size=micro_batch_size, max_length=longest)
    common = settings.trainer_arguments(str(tmp_path), seed=0)
    length = packed_rows * longest if arguments["packing"] else longest
    return SFTTrainer(
        model=model,
        args=SFTConfig(**common, max_length=length, eval_strategy="epoch", **arguments),
        train_dataset=Dataset.from_list(ROWS),
        eval_dataset=Dataset.from_list(ROWS[:4]),
        processing_class=tokenizer,
    )


def rows_of(batch):
    """Every row of a batch without padding, wherever packs begin: its tokens, and those of them that a loss is on."""
    if "position_ids" not in batch:
        for ids, mask, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True):
            assert (labels[mask == 0] == -100).all()
            # The first label has nothing before it to be told from: models leave it out.
            yield ids[mask == 1], torch.cat([torch.tensor([-100]), labels[mask == 1][1:]])
        return
    assert "attention_mask" not in batch
    [ids], [labels], [positions] = (batch[name] for name in ("input_ids", "labels", "position_ids"))
    starts = [*(positions == 0).nonzero().flatten().tolist(), len(ids)]
    for start, end in pairwise(starts):
        assert positions[start:end].tolist() == list(range(end - start))
        yield ids[start:end], labels[start:end]


def seen(loader, tokenizer) -> Counter:
    """How often each (read text, learnt text) is in the batches of a loader."""
    texts = []
    for batch in loader:
        for ids, labels in rows_of(batch):
            learnt = labels != -100
            assert torch.equal(labels[learnt], ids[learnt])
            texts.append((tokenizer.decode(ids), tokenizer.decode(ids[learnt])))
    return Counter(texts)


def expected(loss_on: str, family: str, rows) -> Counter:
    start = "<s>" if family.startswith("llama") else ""
    texts = []
    for row in rows:
        read = f"{start}{row['prompt']}{row['completion']}</s>"
        everything = read.removeprefix(start or "Below")
        texts.append((read, everything if loss_on == "everything" else f"{row['completion']}</s>"))
    return Counter(texts)


CASES = [
    (family, batching)
    for family in FAMILIES
    for batching in ("padded", "length_grouped", "packed")
    if batching != "packed" or family != "bloom"
]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("loss_on", ["completion", "everything"])
@pytest.mark.parametrize(("family", "batching"), CASES)
def test_the_loss_sees_what_the_recipe_says_and_the_end_of_every_row_once(family, batching, loss_on, side, tmp_path):
    model, tokenizer = network(family)
    arguments = recipe_arguments(recipe(loss_on=loss_on, batching=batching), model)
    trainer = trainer_of(family, arguments, tmp_path, side=side)
    in_training = seen(trainer.get_train_dataloader(), tokenizer)
    assert in_training == expected(loss_on, family, ROWS)
    assert seen(trainer.get_eval_dataloader(), tokenizer) == expected(loss_on, family, ROWS[:4])
    assert all(learnt.count("</s>") == 1 and learnt.endswith("</s>") for _, learnt in in_training)


@pytest.mark.parametrize("batching", ["padded", "packed"])
def test_the_trainer_cuts_the_end_off_a_row_that_is_not_set_aside(batching, tmp_path):
    model, tokenizer = network("llama")
    arguments = recipe_arguments(recipe(batching=batching), model)
    texts = pd.DataFrame(ROWS)
    lengths = [count + 1 for count in token_counts(tokenizer, (texts["prompt"] + texts["completion"]).tolist())]
    kept, aside = set_aside_long(texts.assign(id=texts.index), lengths, max(lengths) - 1)
    assert 0 < len(aside) < len(ROWS)
    ends = {}
    for name, rows in (("all", ROWS), ("kept", kept[["prompt", "completion"]].to_dict("records"))):
        common = training().trainer_arguments(str(tmp_path), seed=0)
        settings = SFTConfig(**common, max_length=max(lengths) - 1, **arguments)
        trainer = SFTTrainer(model, settings, None, Dataset.from_list(rows), None, tokenizer)
        learnt = seen(trainer.get_train_dataloader(), tokenizer).elements()
        ends[name] = sum(text.endswith("</s>") for _, text in learnt)
    assert ends == {"all": len(kept), "kept": len(kept)}


@pytest.mark.parametrize("loss_on", ["completion", "everything"])
def test_the_sum_of_the_losses_is_the_same_however_rows_share_batches(loss_on, tmp_path):
    sums = {}
    for batching in ("padded", "length_grouped", "packed"):
        arguments = recipe_arguments(recipe(loss_on=loss_on, batching=batching), network("llama")[0])
        trainer = trainer_of("llama", arguments, tmp_path)
        with torch.no_grad():
            losses = [
                trainer.compute_loss(trainer.model, batch, num_items_in_batch=1)
                for batch in trainer.get_train_dataloader()
            ]
        sums[batching] = sum(losses).item()
    assert sums["length_grouped"] == pytest.approx(sums["padded"], rel=1e-6)
    assert sums["packed"] == pytest.approx(sums["padded"], rel=1e-6)


def test_the_held_out_loss_is_the_same_with_packing_and_without(tmp_path):
    losses = {}
    for batching in ("padded", "packed"):
        trainer = trainer_of("llama", recipe_arguments(recipe(batching=batching), network("llama")[0]), tmp_path)
        assert len(trainer.eval_dataset) == 4
        losses[batching] = trainer.evaluate()["eval_loss"]
    assert losses["packed"] == pytest.approx(losses["padded"], rel=1e-6)


def test_packs_hold_several_rows_and_batches_several_packs(tmp_path):
    model, tokenizer = network("llama")
    packed = recipe_arguments(recipe(batching="packed"), model)
    trainer = trainer_of("llama", packed, tmp_path, packed_rows=2)
    lengths = [row["seq_lengths"] for row in trainer.train_dataset]
    assert sum(map(len, lengths)) == len(ROWS)
    assert max(map(len, lengths)) > 1
    assert max(map(sum, lengths)) <= 2 * longest_row(tokenizer)
    assert len(list(trainer.get_train_dataloader())) == -(-len(lengths) // 2)


def test_grouped_by_length_there_is_less_padding(tmp_path):
    rows = [{"prompt": "a", "completion": " green" * (1 + number % 7 * 6)} for number in range(64)]

    def padding(batching: str) -> int:
        model, tokenizer = network("bloom")
        arguments = recipe_arguments(recipe(batching=batching), model)
        common = training(batch_size=8, micro_batch_size=4).trainer_arguments(str(tmp_path), seed=0)
        trainer = SFTTrainer(model, SFTConfig(**common, **arguments), None, Dataset.from_list(rows), None, tokenizer)
        return sum((batch["attention_mask"] == 0).sum().item() for batch in trainer.get_train_dataloader())

    assert padding("length_grouped") < padding("padded") / 2


def packed_and_alone(family, attention, tmp_path):
    """The largest difference that being in a pack makes to a logit."""
    model = AutoModelForCausalLM.from_config(network(family)[0].config, attn_implementation=attention).eval()
    packed = {"packing": True, "packing_strategy": "bfd"}
    [batch, *_] = trainer_of(family, packed, tmp_path, micro_batch_size=4).get_train_dataloader()
    assert (batch["position_ids"] == 0).sum() > 4
    with torch.inference_mode():
        together = model(batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits[0]
        alone = torch.cat([model(ids[None]).logits[0] for ids, _ in rows_of(batch)])
    return (together - alone).abs().max().item()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_logits_of_a_packed_llama_are_those_of_each_row_alone(attention, tmp_path):
    assert packed_and_alone("llama", attention, tmp_path) < 1e-5


def test_the_logits_of_a_packed_bloom_are_others_which_is_why_it_is_forbidden(tmp_path):
    assert packed_and_alone("bloom", "eager", tmp_path) > 0.1


def other_architecture(name: str):
    shape = {"vocab_size": 64, "initializer_range": 0.2}
    common = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    tokens = {"bos_token_id": 1, "eos_token_id": 2}
    configuration = {
        "mpt": lambda: MptConfig(d_model=32, n_heads=2, n_layers=2, **shape, **tokens),
        "falcon": lambda: FalconConfig(**common, **shape, **tokens),
        "falcon with alibi": lambda: FalconConfig(alibi=True, **common, **shape, **tokens),
        "gpt2": lambda: GPT2Config(n_embd=32, n_layer=2, n_head=2, **shape, **tokens),
        "gemma2": lambda: Gemma2Config(**common, head_dim=16, num_key_value_heads=2, intermediate_size=64, **shape),
    }[name]()
    set_seed(0)
    return AutoModelForCausalLM.from_config(configuration)


@pytest.mark.parametrize("name", ["bloom", "mpt", "falcon", "falcon with alibi"])
def test_packing_is_refused_in_one_line_where_packed_rows_would_see_each_other(name):
    model = network("bloom")[0] if name == "bloom" else other_architecture(name)
    reason = f"packed does not go with {name.split()[0]}: .*position ids.*use length_grouped"
    with pytest.raises(UserError, match=reason) as caught:
        recipe_arguments(recipe(batching="packed"), model)
    assert "\n" not in str(caught.value)
    for batching in ("padded", "length_grouped"):
        assert not recipe_arguments(recipe(batching=batching), model)["packing"]


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_packing_is_allowed_where_packed_rows_are_kept_apart(name, dtype):
    model = network("llama")[0] if name == "llama" else other_architecture(name)
    assert keeps_packed_rows_apart(model.to(dtype))


@pytest.mark.parametrize("in_training", [False, True])
def test_asking_a_model_leaves_it_as_it_was(in_training):
    model = network("llama")[0].train(in_training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    keeps_packed_rows_apart(model)
    assert model.training == in_training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize(
    ("rows", "lengths", "longest", "multiple_of", "packs"),
    [
        (128, [128] * 50, 512, 1, 32),
        (128, [128] * 50, 512, 8, 32),
        (128, [100, 28, 256, 128] * 9, 512, 12, 36),
        (128, [512] * 3, 512, 4, 128),
        (8, [10] * 5, 512, 1, 1),
        (8, [10] * 5, 512, 4, 4),
    ],
)
def test_packs_of_a_step_hold_as_many_rows_as_a_step_without_packing(rows, lengths, longest, multiple_of, packs):
    assert packs_per_step(rows, lengths, longest, multiple_of) == packs


@pytest.mark.parametrize(
    "change", [{"loss_on": "prompt"}, {"batching": "wrapped"}, {"packing": True}, {"adapter": {**FULL, "kind": "ia3"}}]
)
def test_a_choice_that_does_not_exist_is_refused(change):
    with pytest.raises(ValidationError):
        recipe(**change)
