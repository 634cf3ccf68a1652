"""Ways to put Alpaca's rows into batches: padded, grouped by length, packed, and as in Okapi's released code.

    python benchmarks/sft.py --alpaca FILE                  Alpaca's 52,002 rows as a JSON array; 128 of them are drawn
    python benchmarks/sft.py --alpaca FILE --rows 1024 --rounds 5

Prints one JSON object. A small LLaMA is trained with each recipe on the same rows, in turns, by TRL's trainer on one
thread; `tokens_per_cpu_second` counts real tokens, not padding, over the CPU time of the training alone, the median of
the rounds. `original` pads every row to 512 tokens, in batches of a fixed number of rows. `ratio_padding` is packed to
padded, `ratio_original` packed to original. All learn from everything, as the original does, so that they differ in
nothing but their batches: `equal_loss_tokens` says that each has learnt from the same number of tokens, which is that
of the rows without the first token of each. `filled` is the share of real tokens in what is computed.
"""

import argparse
import json
import os
import random
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase, PrinterCallback, set_seed
from transformers.utils.logging import set_verbosity_error
from trl import SFTConfig, SFTTrainer

from okapi_kedro.training.adapters import AdapterSettings
from okapi_kedro.training.lengths import token_counts
from okapi_kedro.training.pretraining import train_tokenizer
from okapi_kedro.training.prompt import ENGLISH, completion_of, prompt_of
from okapi_kedro.training.sft_recipe import SftRecipe, packs_per_step, recipe_arguments

LONGEST = 512
FULL = AdapterSettings(kind="none", rank=8, alpha=16, dropout=0.0, modules="all-linear")


class CountingTrainer(SFTTrainer):
    """Counts what it computes a loss on."""

    loss_tokens = 0
    places = 0

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        self.loss_tokens += int((inputs["labels"][:, 1:] != -100).sum())
        self.places += inputs["input_ids"].numel()
        return super().compute_loss(model, inputs, *args, **kwargs)


def drawn_rows(path: Path, count: int, seed: int) -> list[dict[str, str]]:
    """Prompts and completions of so many rows of Alpaca."""
    rows = random.Random(seed).sample(json.loads(path.read_text(encoding="utf-8")), count)
    return [
        {"prompt": prompt_of(row["instruction"], row["input"], ENGLISH), "completion": completion_of(row["output"])}
        for row in rows
    ]


def new_llama(tokenizer: PreTrainedTokenizerBase, hidden: int, layers: int) -> LlamaForCausalLM:
    set_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            intermediate_size=3 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=hidden // 64,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def recipes(rows_per_batch: int, lengths: Sequence[int]) -> dict[str, tuple[str, dict[str, Any]]]:
    """How each recipe batches; an optimiser step on packs learns from about as many rows as the others' steps.

    The packs of one forward pass become one long row, and without flash attention the mask grows with its square: so
    they go through the model one by one.
    """
    packs = packs_per_step(rows_per_batch, lengths, LONGEST, multiple_of=1)
    fixed = {"per_device_train_batch_size": rows_per_batch}
    return {
        "packed": ("packed", {"per_device_train_batch_size": 1, "gradient_accumulation_steps": packs}),
        "padded": ("padded", fixed),
        "length_grouped": ("length_grouped", fixed),
        "original": ("padded", {**fixed, "pad_to_multiple_of": LONGEST}),
    }


def train(rows: Dataset, tokenizer: PreTrainedTokenizerBase, shape: tuple[int, int], batching: str, more: Any) -> Any:
    """One epoch: its CPU seconds, and the trainer."""
    model = new_llama(tokenizer, *shape)
    recipe = SftRecipe(loss_on="everything", batching=batching, adapter=FULL)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            num_train_epochs=1,
            max_length=LONGEST,
            bf16=False,
            gradient_checkpointing=False,
            use_cpu=True,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            logging_strategy="no",
            dataloader_pin_memory=False,
            seed=0,
            **recipe_arguments(recipe, model),
            **more,
        )
        trainer = CountingTrainer(model, arguments, None, rows, None, tokenizer)
        trainer.remove_callback(PrinterCallback)
        start = time.process_time()
        trainer.train()
        return time.process_time() - start, trainer


def measure(options: argparse.Namespace) -> dict[str, Any]:
    rows = drawn_rows(options.alpaca, options.rows, options.seed)
    texts = [row["prompt"] + row["completion"] for row in rows]
    tokenizer = train_tokenizer(texts, options.vocabulary)
    counted = zip(rows, token_counts(tokenizer, texts), strict=True)
    fitting = [(row, count + 1) for row, count in counted if count + 1 <= LONGEST]
    lengths = [length for _, length in fitting]
    dataset = Dataset.from_list([row for row, _ in fitting])
    each = recipes(options.batch, lengths)
    seconds: dict[str, list[float]] = {name: [] for name in each}
    loss_tokens, filled = {}, {}
    for _ in range(options.rounds):
        for name, (batching, more) in each.items():
            taken, trainer = train(dataset, tokenizer, (options.hidden, options.layers), batching, more)
            seconds[name].append(taken)
            loss_tokens[name] = trainer.loss_tokens
            filled[name] = round(sum(lengths) / trainer.places, 3)
    speed = {name: sum(lengths) / median(times) for name, times in seconds.items()}
    return {
        "rows": len(lengths),
        "too_long": len(rows) - len(lengths),
        "tokens": sum(lengths),
        "median_length": median(lengths),
        "tokens_per_cpu_second": {name: round(value) for name, value in speed.items()},
        "ratio_padding": round(speed["packed"] / speed["padded"], 2),
        "ratio_length_grouped": round(speed["length_grouped"] / speed["padded"], 2),
        "ratio_original": round(speed["packed"] / speed["original"], 2),
        "ratio_original_length_grouped": round(speed["length_grouped"] / speed["original"], 2),
        "filled": filled,
        "loss_tokens": loss_tokens,
        "equal_loss_tokens": set(loss_tokens.values()) == {sum(lengths) - len(lengths)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alpaca", type=Path, required=True, help="alpaca_data.json")
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8, help="rows in a batch")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--vocabulary", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    disable_progress_bar()
    set_verbosity_error()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    print(json.dumps(measure(parser.parse_args()), indent=2))


if __name__ == "__main__":
    main()
