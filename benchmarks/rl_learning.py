"""What reinforcement learning gains on held-out prompts of finished runs, for several seeds.

    kedro run --params lang=ne
    python benchmarks/rl_learning.py data data data data data --language ne --seeds 1 2 3 4 5

Tunes the SFT model of each folder once more with the parameters of conf/base (or --algorithm) and asks it and the SFT
model all held-out prompts, several times with the same draws for both. Prints one JSON object. `gain` is the mean
change of the reward, of a prompt with itself, and should be more than twice its `stderr`, in which the answers to a
prompt count as one; `exact_match` is the share of answers that are the reference's, before and after, and its change
should not be below 0 by more than chance.
"""

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from okapi_kedro.evaluation.exact_match import exact_match
from okapi_kedro.pipelines.rl.nodes import RlParameters, build_rl_prompts, compare_policies, tune_policy
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.prompt import ENGLISH

DRAWS = 4
"""Answers to each held-out prompt."""
PARAMETERS = Path(__file__).parents[1] / "conf/base/parameters_rl.yml"


def measured(folder: Path, language: str, parameters: RlParameters, seed: int) -> dict[str, Any]:
    """The figures of one tuned model."""
    tables, models = folder / "02_intermediate" / language, folder / "06_models" / language
    sft, reward = (ModelReference(str(models / name)) for name in ("sft", "reward"))
    translated = pd.read_parquet(tables / "translated_instructions.parquet")
    prompts, _ = build_rl_prompts(translated, ENGLISH, sft, parameters)
    pairs = pd.read_parquet(tables / "reward_pairs.parquet")
    with tempfile.TemporaryDirectory() as checkpoints:
        started = time.process_time()
        tuned, log, _ = tune_policy(sft, reward, prompts, pairs, parameters, Path(checkpoints), seed)
        seconds = time.process_time() - started
        draws = [compare_policies(sft, tuned, reward, prompts, parameters, seed + draw) for draw in range(DRAWS)]
    answers = pd.concat(draws, ignore_index=True)
    for model in ("sft", "rlhf"):
        pairs_of = zip(answers[f"{model}_response"], answers["reference"], strict=True)
        answers[f"{model}_right"] = [exact_match([response], [reference]) for response, reference in pairs_of]
    each = answers.groupby("id")[["sft_reward", "rlhf_reward", "sft_right", "rlhf_right"]].mean()
    gains, changes = each["rlhf_reward"] - each["sft_reward"], each["rlhf_right"] - each["sft_right"]
    figures = {
        "before": each["sft_reward"].mean(),
        "gain": gains.mean(),
        "stderr": gains.sem(),
        "exact_match_before": each["sft_right"].mean(),
        "exact_match_after": each["rlhf_right"].mean(),
        "exact_match_change": changes.mean(),
        "exact_match_stderr": changes.sem(),
        "highest_kl": log["kl"].max() if "kl" in log else None,
        "cpu_seconds": seconds,
    }
    rounded = {name: value if value is None else round(float(value), 4) for name, value in figures.items()}
    return {"folder": str(folder), "seed": seed, "prompts": len(each), "steps": len(log), **rounded}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="data folders of finished runs")
    parser.add_argument("--language", default="ne")
    parser.add_argument("--seeds", nargs="+", type=int, help="one for each folder")
    parser.add_argument("--algorithm", choices=["ppo", "rloo", "grpo", "dpo"], help="instead of that of conf/base")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    values = yaml.safe_load(PARAMETERS.read_text(encoding="utf-8"))["rl"]
    changes = {"algorithm": options.algorithm or values["algorithm"], "checked_prompts": 10**6, "watched_prompts": 0}
    parameters = RlParameters.model_validate({**values, **changes})
    folders = [folder.resolve() for folder in options.folders]
    seeds = options.seeds or range(1, len(folders) + 1)
    runs = [measured(folder, options.language, parameters, seed) for folder, seed in zip(folders, seeds, strict=True)]
    print(json.dumps({"algorithm": parameters.algorithm, "results": runs}, indent=1))


if __name__ == "__main__":
    main()
