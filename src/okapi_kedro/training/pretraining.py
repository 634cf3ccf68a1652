"""The embedded base model: a byte-level BPE tokenizer and a small BLOOM or LLaMA, trained on given texts."""

import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from datasets import Dataset
from pydantic import BaseModel, ConfigDict
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    TrainingArguments,
    default_data_collator,
    set_seed,
)

from okapi_kedro.errors import UserError
from okapi_kedro.training.checkpoints import fingerprint_of, keep_only_own, prove_room, remove_checkpoints
from okapi_kedro.training.launch import launch
from okapi_kedro.training.models import ModelReference, save_model
from okapi_kedro.training.run import run, whole_model
from okapi_kedro.training.settings import TrainingSettings
from okapi_kedro.training.trainers import TokenMeanTrainer

# A word with its space, a number with its space, marks, or white space. Combining vowel signs stay in their word, which
# GPT-2's own pattern tears apart in Indic scripts.
_PIECES = r" ?[^\s\p{P}\p{S}\p{N}]+| ?\p{N}+| ?[\p{P}\p{S}]+|\s+"
_SPECIAL = ["<unk>", "<s>", "</s>", "<pad>"]


class SmallModel(BaseModel):
    """Shape of the embedded base model and its pretraining.

    Args:
        architecture: which family of transformers models it is.
        vocabulary: tokens, of which 256 are the bytes.
        hidden_size: width of a block.
        layers: number of blocks.
        heads: attention heads in a block.
        texts: sentences that are written for pretraining.
        training: optimisation; `max_length` is the length of the blocks that the texts are cut into.
    """

    model_config = ConfigDict(extra="forbid")

    architecture: Literal["bloom", "llama"]
    vocabulary: int
    hidden_size: int
    layers: int
    heads: int
    texts: int
    training: TrainingSettings


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer: no text is unknown to it, whatever its script."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        clean_up_tokenization_spaces=False,
    )


def new_model(shape: SmallModel, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """An untrained model of that shape for that tokenizer."""
    tokens = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    return AutoModelForCausalLM.from_config(_configuration(shape, len(tokenizer), tokens))


def _configuration(shape: SmallModel, vocabulary: int, tokens: dict[str, int]) -> PreTrainedConfig:
    # The libraries' initial deviation of 0.02 suits widths of thousands; a narrow model hardly learns from it.
    common = {"vocab_size": vocabulary, "hidden_size": shape.hidden_size, "initializer_range": 0.08, **tokens}
    if shape.architecture == "bloom":
        return BloomConfig(n_layer=shape.layers, n_head=shape.heads, **common)
    return LlamaConfig(
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=3 * shape.hidden_size,
        tie_word_embeddings=True,
        **common,
    )


def pretrain(
    texts: Sequence[str], more_for_tokenizer: Sequence[str], shape: SmallModel, directory: Path, seed: int
) -> ModelReference:
    """Trains the tokenizer and the model on the texts and saves both.

    Args:
        texts: what the model reads, one passage each.
        more_for_tokenizer: further texts whose words should have tokens, for example prompts.
        shape: the model and its training.
        directory: the training's own, for its checkpoints and at the end, in `model`, for the model.
        seed: of the weights and the order of the texts.
    """
    settings = shape.training
    with tempfile.TemporaryDirectory(prefix="okapi-pretraining-") as folder:
        start = save_untrained([*texts, *more_for_tokenizer], shape, Path(folder) / "start", seed)
        rows = Path(folder) / "blocks.parquet"
        blocks = _blocks(texts, start.tokenizer(), settings.max_length)
        pd.DataFrame({"input_ids": blocks}).to_parquet(rows, index=False)
        keep_only_own(directory, fingerprint_of("pretraining", start, rows, settings, {}, seed))
        launch(_pretrain, start, rows, settings, directory, seed, processes=settings.processes)
    remove_checkpoints(directory)
    return ModelReference(str(directory / "model"), temporary=True)


def _pretrain(
    start: ModelReference, rows: Path, settings: TrainingSettings, directory: Path, seed: int
) -> list[dict[str, Any]]:
    """One process's part."""
    tokenizer, model = start.tokenizer(), start.causal_lm()
    prove_room(directory, model, settings)
    blocks = pd.read_parquet(rows)["input_ids"].tolist()
    trainer = TokenMeanTrainer(
        model=model,
        args=TrainingArguments(
            **settings.trainer_arguments(str(directory), seed), include_num_input_tokens_seen="non_padding"
        ),
        train_dataset=Dataset.from_dict({"input_ids": blocks, "labels": blocks}),
        data_collator=default_data_collator,
    )
    log = run(trainer, "pretraining", settings)
    trained = whole_model(trainer, start.causal_lm)
    if trained is not None:
        save_model(trained, tokenizer, directory / "model")
    return log


def save_untrained(texts: Sequence[str], shape: SmallModel, directory: Path, seed: int) -> ModelReference:
    """A model with random weights and a tokenizer trained on the texts, for training from scratch."""
    set_seed(seed)
    tokenizer = train_tokenizer(texts, shape.vocabulary)
    return save_model(new_model(shape, tokenizer), tokenizer, directory)


def _blocks(texts: Sequence[str], tokenizer: PreTrainedTokenizerFast, length: int) -> list[list[int]]:
    """The texts, each ended, one after another and cut into blocks of equal length."""
    encoded = tokenizer(list(texts))["input_ids"] if texts else []
    tokens = list(chain.from_iterable([*ids, tokenizer.eos_token_id] for ids in encoded))
    if len(tokens) < length:
        raise UserError(f"the texts for pretraining have {len(tokens)} tokens, not one block of {length}: raise texts")
    return [tokens[start : start + length] for start in range(0, len(tokens) - length + 1, length)]
