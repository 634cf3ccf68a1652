"""When training ends early, because the policy seems to exploit the reward model."""

from collections.abc import Mapping, Sequence
from typing import Any

from okapi_kedro.training.ppo.settings import StopSettings


def passed_limits(row: Mapping[str, Any], settings: StopSettings) -> dict[str, str]:
    """The limits that a line of the log has passed, by the rule's name, each in words."""
    ceilings = {"kl_ceiling": "kl", "without_eos_ceiling": "without_eos"}
    floors = {"entropy_floor": "entropy", "distinct_floor": "distinct_responses"}
    limits = settings.model_dump(exclude={"patience"}, exclude_none=True)
    above = {rule: figure for rule, figure in ceilings.items() if rule in limits and row[figure] > limits[rule]}
    below = {rule: figure for rule, figure in floors.items() if rule in limits and row[figure] < limits[rule]}
    return {
        **{rule: f"{figure} {row[figure]:.4g} is above {limits[rule]:g}" for rule, figure in above.items()},
        **{rule: f"{figure} {row[figure]:.4g} is below {limits[rule]:g}" for rule, figure in below.items()},
    }


def reason_to_stop(log: Sequence[Mapping[str, Any]], settings: StopSettings) -> str | None:
    """What ends the training after these lines of the log, or None: one limit passed in all of the last ones."""
    if len(log) < settings.patience:
        return None
    passed = [passed_limits(row, settings) for row in log[-settings.patience :]]
    lasting = [rule for rule in passed[-1] if all(rule in of_row for of_row in passed)]
    return f"{lasting[0]}: {passed[-1][lasting[0]]}" if lasting else None
