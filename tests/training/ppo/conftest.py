import pytest

from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.reward import RewardSettings, train_reward_model

from ..toys import preference_pairs, training


@pytest.fixture(scope="session")
def upper_judging(babbling: ModelReference, tmp_path_factory: pytest.TempPathFactory) -> ModelReference:
    """A reward model that likes the word `good`, of which only the last block has learnt."""
    settings = RewardSettings(
        trainable_blocks=1, training=training(epochs=4, batch_size=16, micro_batch_size=16, learning_rate=3e-3)
    )
    pairs = preference_pairs(200, seed=1)
    return train_reward_model(babbling, pairs, settings, tmp_path_factory.mktemp("upper_judging"), seed=0)[0]
