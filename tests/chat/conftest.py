"""A small model that has learnt nothing, in a directory as a training leaves one."""

from pathlib import Path

import pytest
import torch
from transformers import BloomConfig, BloomForCausalLM

from okapi_kedro.training.models import save_model
from okapi_kedro.training.pretraining import train_tokenizer
from okapi_kedro.training.prompt import chat_template, prompt_template
from okapi_kedro.training.sampling import sampling_defaults

FRAMES = Path(__file__).parents[2] / "data" / "01_raw" / "frames"
NEPALI = prompt_template("native", "ne", {"ne": lambda: (FRAMES / "ne.json").read_text(encoding="utf-8")})


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its prompts are in the Nepali frame and its answers sampled as Okapi does, 256 tokens long at most."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(["नेपालको राजधानी काठमाडौं हो। 北京是中国的首都。 What is it?"], 300)
    tokenizer.chat_template = chat_template(NEPALI)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = BloomForCausalLM(BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=2))
    network.generation_config = sampling_defaults(tokenizer)
    save_model(network, tokenizer, folder)
    return folder
