from collections.abc import Callable, Iterator

import pandas as pd
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.pretraining import save_untrained, train_tokenizer
from okapi_kedro.training.prompt import ENGLISH
from okapi_kedro.training.reinforcement import reinforce
from okapi_kedro.training.reward import RewardSettings, train_reward_model
from okapi_kedro.training.sft import fine_tune

from .toys import RECIPE, TOKENIZER_TEXTS, chatter, facts, preference_pairs, rl_settings, small_model, training

TrainedModel = tuple[ModelReference, pd.DataFrame]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small are faster without threads, and the machine is shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(TOKENIZER_TEXTS, 700)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModelReference]:
    """Untrained models by architecture, each made once."""
    models = {
        architecture: save_untrained(
            TOKENIZER_TEXTS, small_model(architecture), tmp_path_factory.mktemp(architecture), seed=0
        )
        for architecture in ("bloom", "llama")
    }
    return models.__getitem__


@pytest.fixture(scope="session")
def knowing(untrained: Callable[[str], ModelReference], tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """A BLOOM that was fine-tuned on the facts, and its log."""
    settings = training(epochs=40, batch_size=3, micro_batch_size=3)
    return fine_tune(untrained("bloom"), facts(), settings, RECIPE, ENGLISH, tmp_path_factory.mktemp("knowing"), seed=0)


@pytest.fixture(scope="session")
def babbling(untrained: Callable[[str], ModelReference], tmp_path_factory: pytest.TempPathFactory) -> ModelReference:
    """A LLaMA that answers `Words:` with words drawn evenly."""
    rows = pd.DataFrame(
        {"prompt": "Words:", "completion": chatter(202, seed=0), "held_out": [False] * 200 + [True] * 2}
    )
    settings = training(epochs=2, batch_size=16, micro_batch_size=16)
    return fine_tune(untrained("llama"), rows, settings, RECIPE, ENGLISH, tmp_path_factory.mktemp("babbling"), seed=0)[
        0
    ]


@pytest.fixture(scope="session")
def judging(babbling: ModelReference, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """A reward model that likes the word `good`, and its log."""
    settings = RewardSettings(
        trainable_blocks=0, training=training(epochs=4, batch_size=16, micro_batch_size=16, learning_rate=3e-3)
    )
    pairs = preference_pairs(200, seed=1)
    return train_reward_model(babbling, pairs, settings, tmp_path_factory.mktemp("judging"), seed=0)


@pytest.fixture(scope="session")
def tuned(babbling: ModelReference, judging: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """The babbling model after ten steps of RL towards the judge's taste, and its log."""
    return reinforce(
        babbling, judging[0], ["Words:"] * 40, rl_settings(), "rloo", tmp_path_factory.mktemp("tuned"), seed=0
    )
