"""One PPO iteration with the frozen trunk against TRL's PPOTrainer and a hydra as trlX has it, in CPU time.

    python benchmarks/ppo.py                                    32 prompts, one round
    python benchmarks/ppo.py --prompts 128 --rounds 3           a figure is the median of the rounds

Prints one JSON object. An iteration draws a response to every prompt, scores them, asks the reference and the value
head, and learns in four inner epochs; the last four blocks learn, and the reward model differs from the policy in its
last twelve, as in the paper. The models have the blocks of BLOOM-7B1 and LLaMA-7B, 30 and 32, and the vocabulary's
share of their weights, but a narrow width and random weights. The three take turns, each in a process of its own on
one thread; TRL 1.12, the last release with a PPOTrainer, in an environment of its own, which is made on demand. All
that TRL does outside of drawing, rewards and the first passes is its update. `ratio_*` is the peer's CPU time over
ours, `*_inner` without drawing and rewards; `parameters_share` the bytes of our resident parameters over TRL's.
`equal` says that in a smaller run the greedy responses of all are the same, and their rewards those of the reward
model by itself. What the seeded draws cost weighs more here than in a wide model, whose blocks grow with the square
of the width and whose vocabulary does not.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
from tokenizers import Tokenizer, models
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BloomConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

PEERS = Path(__file__).with_name("ppo_peers")
TRL = "1.12.0"
SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
TOKENS = {token: place for place, token in enumerate(SPECIAL.values())}
PROMPT = RESPONSE = 48
REWARD_BLOCKS = 12
GREEDY = 1e-6


class Peer:
    """A process that runs one iteration at a time.

    Args:
        python: its interpreter.
        script: of `ppo_peers`.
        folder: of the models and settings.
    """

    def __init__(self, python: Path, script: str, folder: Path) -> None:
        paths = [str(PEERS.parent), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self._log = (folder / f"{script}.log").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [python, PEERS / f"{script}.py", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )
        self.parameter_bytes: int = self._answer()["parameter_bytes"]

    def iterate(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        self._process.communicate()
        self._log.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            sys.exit(self._log.read())
        answer: dict[str, Any] = json.loads(line)
        return answer


def trl_python(folder: Path) -> Path:
    """The interpreter of an environment with TRL 1.12 and our versions of all else, made if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        ours = [
            f"{name}=={version(name).split('+')[0]}" for name in ("torch", "transformers", "accelerate", "datasets")
        ]
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"trl=={TRL}", *ours], check=True, stdout=sys.stderr)
    return python


def configuration(shape: str, hidden: int) -> PreTrainedConfig:
    """BLOOM-7B1 or LLaMA-7B, narrower: width, inner width and vocabulary are scaled alike."""
    common: dict[str, Any] = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3, "hidden_size": hidden}
    if shape == "bloom":
        return BloomConfig(vocab_size=250_880 * hidden // 4096, n_layer=30, n_head=hidden // 32, **common)
    return LlamaConfig(
        vocab_size=32_000 * hidden // 4096,
        intermediate_size=11_008 * hidden // 4096,
        num_hidden_layers=32,
        num_attention_heads=hidden // 32,
        tie_word_embeddings=False,
        **common,
    )


def make_models(shape: str, hidden: int, folder: Path) -> None:
    """A policy, and a reward model that shares all but its last blocks with it."""
    torch.manual_seed(0)
    config = configuration(shape, hidden)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(TOKENS, "<unk>")), **SPECIAL)
    policy = AutoModelForCausalLM.from_config(config)
    config.num_labels = 1
    reward_model = AutoModelForSequenceClassification.from_config(config)
    reward_model.base_model.load_state_dict(policy.base_model.state_dict())
    backbone = reward_model.base_model
    with torch.no_grad():
        for block in list(backbone.h if shape == "bloom" else backbone.layers)[-REWARD_BLOCKS:]:
            for parameter in block.parameters():
                parameter.add_(0.01 * torch.randn_like(parameter))
    for name, model in (("policy", policy), ("reward", reward_model)):
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)


def prepare(shape: str, hidden: int, prompts: int, folder: Path, **changes: Any) -> None:
    """The models and the settings that all peers read."""
    make_models(shape, hidden, folder)
    draw = random.Random(0)
    vocabulary = configuration(shape, hidden).vocab_size
    settings = {
        "prompts": [[draw.randrange(len(TOKENS), vocabulary) for _ in range(PROMPT)] for _ in range(prompts)],
        "new_tokens": RESPONSE,
        "blocks": 4,
        "temperature": 1.0,
        "inner_epochs": 4,
        "minibatch": 8,
        "generation_batch": 32,
        "iterations": 1000,
        **changes,
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def start_all(pythons: dict[str, Path], folder: Path) -> dict[str, Peer]:
    return {name: Peer(python, name, folder) for name, python in pythons.items()}


def are_equal(shape: str, pythons: dict[str, Path], parent: Path) -> bool:
    """Whether all respond alike when greedy, and reward what they have read as the reward model by itself."""
    folder = parent / f"{shape} check"
    folder.mkdir()
    prepare(shape, 64, 8, folder, temperature=GREEDY, inner_epochs=1, generation_batch=8)
    peers = start_all(pythons, folder)
    answers = [peer.iterate() for peer in peers.values()]
    for peer in peers.values():
        peer.close()
    reward_model = AutoModelForSequenceClassification.from_pretrained(folder / "reward", num_labels=1)
    responses, exact = [], True
    for answer in answers:
        responses.append(sorted(ids[: PROMPT + RESPONSE] for ids in answer["sequences"]))
        with torch.inference_mode():
            alone = reward_model(torch.tensor(answer["sequences"])).logits[:, 0]
        exact = exact and torch.allclose(torch.tensor(answer["rewards"]), alone, rtol=1e-5, atol=1e-5)
    return exact and all(each == responses[0] for each in responses)


def measure(shape: str, pythons: dict[str, Path], parent: Path, options: argparse.Namespace) -> dict[str, Any]:
    folder = parent / shape
    folder.mkdir()
    changes = {"minibatch": options.minibatch, "generation_batch": options.generation_batch}
    prepare(shape, options.hidden, options.prompts, folder, **changes)
    peers = start_all(pythons, folder)
    seconds: dict[str, list[dict[str, float]]] = defaultdict(list)
    peak_mb: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, peer in peers.items():
            answer = peer.iterate()
            seconds[name].append(in_phases(answer["seconds"]))
            peak_mb[name] = round(answer["peak_mb"])
    for peer in peers.values():
        peer.close()
    return figures(seconds) | {
        "parameters_share": round(peers["ours"].parameter_bytes / peers["trl_trainer"].parameter_bytes, 3),
        "parameters_share_hydra": round(peers["ours"].parameter_bytes / peers["hydra"].parameter_bytes, 3),
        "parameter_mb": {name: round(peer.parameter_bytes / 1e6, 1) for name, peer in peers.items()},
        "peak_mb": peak_mb,
    }


def in_phases(seconds: dict[str, float]) -> dict[str, float]:
    named = {name: seconds.get(name, 0.0) for name in ("generation", "scoring", "reward")}
    return {**named, "update": sum(seconds.values()) - sum(named.values())}


def figures(seconds: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    whole = {name: median(sum(run.values()) for run in runs) for name, runs in seconds.items()}
    inner = {name: median(run["scoring"] + run["update"] for run in runs) for name, runs in seconds.items()}
    return {
        "ratio_trl": round(whole["trl_trainer"] / whole["ours"], 2),
        "ratio_hydra": round(whole["hydra"] / whole["ours"], 2),
        "ratio_trl_inner": round(inner["trl_trainer"] / inner["ours"], 2),
        "ratio_hydra_inner": round(inner["hydra"] / inner["ours"], 2),
        "cpu_seconds": {
            name: {phase: round(median(run[phase] for run in runs), 2) for phase in runs[0]}
            for name, runs in seconds.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--minibatch", type=int, default=8)
    parser.add_argument("--generation-batch", type=int, default=32)
    parser.add_argument("--shapes", nargs="+", choices=["bloom", "llama"], default=["bloom", "llama"])
    parser.add_argument("--trl-venv", type=Path, default=Path.home() / f".cache/okapi-kedro/trl-{TRL[:4]}")
    options = parser.parse_args()
    here = Path(sys.executable)
    pythons = {"ours": here, "hydra": here, "trl_trainer": trl_python(options.trl_venv)}
    result: dict[str, Any] = {
        "prompts": options.prompts,
        "tokens": [PROMPT, RESPONSE],
        "hidden": options.hidden,
        "versions": {name: version(name) for name in ("torch", "transformers")} | {"trl": TRL},
    }
    with tempfile.TemporaryDirectory(prefix="ppo-benchmark-") as name:
        for shape in options.shapes:
            equal = are_equal(shape, pythons, Path(name))
            result[shape] = {"equal": equal, **measure(shape, pythons, Path(name), options)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
