"""Held-out accuracy of the reward model on the pairs of finished runs, with their labels and with shuffled ones.

    kedro run --params lang=ne,seed=1 --pipeline reward       and so on: a data folder for each seed (globals.yml)
    python benchmarks/reward_accuracy.py data_1 data_2 data_3 --language ne --seeds 1 2 3

Trains two reward models for each folder, with the parameters of conf/base: some minutes each. Prints one JSON object;
`right` should be at least 0.8, `shuffled` within three errors of 0.5. An error takes the pairs of a prompt as one.
"""

import argparse
import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from okapi_kedro.pipelines.reward.quality import score_held_out_pairs
from okapi_kedro.training.calibration import accuracy, accuracy_stderr, calibration_error, reliability
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.reward import RewardSettings, train_reward_model

PARAMETERS = Path(__file__).parents[1] / "conf/base/parameters_reward.yml"


def shuffled(pairs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The pairs, half of them turned round: which response is called the better one says nothing."""
    turned = pd.Series(np.random.default_rng(seed).random(len(pairs)) < 0.5, index=pairs.index)
    return pairs.assign(
        chosen=pairs["rejected"].where(turned, pairs["chosen"]),
        rejected=pairs["chosen"].where(turned, pairs["rejected"]),
    )


def measured(start: ModelReference, pairs: pd.DataFrame, settings: RewardSettings, seed: int) -> dict[str, float]:
    """The figures of one reward model on the pairs that were held out of its training."""
    with tempfile.TemporaryDirectory() as directory:
        model, _ = train_reward_model(start, pairs, settings, Path(directory), seed)
        margins = score_held_out_pairs(model, pairs, {}, settings)
    figures = {
        "accuracy": accuracy(margins),
        "stderr": accuracy_stderr(margins),
        "calibration_error": calibration_error(reliability(margins)),
        "pairs": len(margins),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="data folders of finished runs")
    parser.add_argument("--language", default="ne")
    parser.add_argument("--seeds", nargs="+", type=int, help="one for each folder")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    settings = RewardSettings.model_validate(yaml.safe_load(PARAMETERS.read_text(encoding="utf-8"))["reward"])
    results = []
    for folder, seed in zip(options.folders, options.seeds or range(1, len(options.folders) + 1), strict=True):
        pairs = pd.read_parquet(folder / "02_intermediate" / options.language / "reward_pairs.parquet")
        start = ModelReference(str(folder / "06_models" / options.language / "sft"))
        right, by_chance = (measured(start, rows, settings, seed) for rows in (pairs, shuffled(pairs, seed)))
        results.append({"folder": str(folder), "seed": seed, "right": right, "shuffled": by_chance})
    print(json.dumps({"results": results}, indent=1))


if __name__ == "__main__":
    main()
