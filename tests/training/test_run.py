"""Training ends early when the held-out loss no longer falls, where that is asked for."""

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from okapi_kedro.errors import UserError
from okapi_kedro.training.prompt import ENGLISH
from okapi_kedro.training.reward import RewardSettings, train_reward_model
from okapi_kedro.training.run import EarlyStopping
from okapi_kedro.training.sft import fine_tune

from .toys import RECIPE, facts, preference_pairs, training


@pytest.mark.parametrize(
    ("losses", "patience", "ends"),
    [
        ([3.0], 1, False),
        ([3.0, 2.0, 1.0], 1, False),
        ([3.0, 3.0], 1, True),
        ([3.0, 2.0, 2.5], 1, True),
        ([3.0, 2.0, 2.5], 2, False),
        ([3.0, 2.0, 2.5, 2.4], 2, True),
        ([2.0, 3.0, 1.0, 1.5], 2, False),
    ],
)
def test_it_ends_after_so_many_evaluations_without_a_lower_loss(losses, patience, ends):
    history = [entry for loss in losses for entry in ({"loss": 9.0}, {"eval_loss": loss})]
    control = TrainerControl()
    EarlyStopping(patience).on_evaluate(TrainingArguments(), TrainerState(log_history=history), control)
    assert control.should_training_stop is ends


def test_fine_tuning_that_learns_its_rows_by_heart_ends_early(untrained, tmp_path):
    settings = training(epochs=40, batch_size=3, micro_batch_size=3, early_stopping_patience=2)
    _, log = fine_tune(untrained("bloom"), facts(), settings, RECIPE, ENGLISH, tmp_path, seed=0)
    losses = log["eval_loss"].dropna().tolist()
    assert 2 < len(losses) < 40
    assert losses.index(min(losses)) == len(losses) - 3


def test_without_held_out_rows_to_evaluate_on_it_is_refused(untrained, tmp_path):
    settings = RewardSettings(trainable_blocks=0, training=training(early_stopping_patience=1))
    with pytest.raises(UserError, match="early_stopping_patience needs held-out rows"):
        train_reward_model(untrained("bloom"), preference_pairs(8, seed=0), settings, tmp_path, seed=0)
