"""Draws follow the softmax of the logits and hang on the row's name, the seed, the position and nothing else."""

import pytest
import torch
from transformers import LogitsProcessorList

from okapi_kedro.training.draws import _GOLDEN, SeededDraws, _mix, gumbel, row_keys

ROWS = 40_000
LOGITS = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0, -1.0, -3.0, -50.0])


def drawn(logits: torch.Tensor, rows: int, seed: int, position: int = 0) -> torch.Tensor:
    """One token of each row at a position, all rows with the same logits."""
    keys = row_keys([f"row {n}" for n in range(rows)], seed)
    processors = LogitsProcessorList([SeededDraws(keys, prompt_length=3)])
    scores = processors(torch.zeros(rows, 3 + position, dtype=torch.int64), logits.expand(rows, -1))
    return scores.argmax(-1)


def chi_square(counts: torch.Tensor, expected: torch.Tensor) -> float:
    kept = expected > 1
    assert counts[~kept].sum() <= 5
    return float(((counts - expected)[kept] ** 2 / expected[kept]).sum())


@pytest.mark.parametrize(("seed", "position"), [(0, 0), (1, 0), (0, 39)])
def test_tokens_are_drawn_as_often_as_the_softmax_says(seed: int, position: int) -> None:
    """Chi-square with 6 degrees of freedom (7 tokens that occur) is above 27.9 once in 10,000 times."""
    counts = drawn(LOGITS, ROWS, seed, position).bincount(minlength=len(LOGITS))
    assert chi_square(counts, LOGITS.softmax(-1) * ROWS) < 27.9


def test_the_test_of_the_softmax_would_see_a_temperature_that_is_a_twentieth_off() -> None:
    counts = drawn(LOGITS / 1.05, ROWS, 0).bincount(minlength=len(LOGITS))
    assert chi_square(counts, LOGITS.softmax(-1) * ROWS) > 27.9


@pytest.mark.parametrize("other", [{"position": 1}, {"seed": 1}])
def test_draws_at_other_positions_and_seeds_are_independent(other: dict[str, int]) -> None:
    """Two draws among four equal tokens: 16 combinations, 15 degrees of freedom, above 44.3 once in 10,000 times."""
    flat = torch.zeros(4)
    first, second = drawn(flat, ROWS, 0), drawn(flat, ROWS, **{"seed": 0, **other})
    counts = (first * 4 + second).bincount(minlength=16)
    assert chi_square(counts, torch.full((16,), ROWS / 16)) < 44.3


def test_neighbouring_rows_are_independent() -> None:
    tokens = drawn(torch.zeros(4), ROWS, 0)
    counts = (tokens[:-1] * 4 + tokens[1:]).bincount(minlength=16)
    assert chi_square(counts, torch.full((16,), (ROWS - 1) / 16)) < 44.3


def test_a_rows_noise_is_the_same_in_every_batch_and_every_vocabulary() -> None:
    keys = row_keys(["a", "b", "ग"], seed=7)
    together = gumbel(keys, 5, 1000)
    for row, key in enumerate(keys):
        assert torch.equal(gumbel(key[None], 5, 1000)[0], together[row])
        assert torch.equal(gumbel(key[None], 5, 10)[0], together[row, :10])
    assert torch.equal(gumbel(keys.flip(0), 5, 1000), together.flip(0))


def test_noise_has_the_mean_and_spread_of_the_gumbel_distribution_and_no_infinity() -> None:
    """Mean 0.5772, variance pi squared / 6, over five million values; the largest is near log(5e6) = 15.4."""
    noise = gumbel(row_keys([str(n) for n in range(20)], 0), 0, 250_000)
    assert noise.isfinite().all()
    assert noise.mean().item() == pytest.approx(0.57722, abs=0.003)
    assert noise.var().item() == pytest.approx(1.64493, abs=0.01)
    assert 12 < noise.max().item() < 25
    assert len(noise.unique()) > 0.3 * noise.numel()


def test_the_only_token_that_may_be_drawn_is_drawn_whatever_its_noise() -> None:
    """The noise of this row's token 44380 comes from a number that rounds to 1."""
    scores = torch.full((1, 50_000), -torch.inf)
    scores[0, 44_380] = 0.0
    drawing = SeededDraws(row_keys(["84"], seed=0), prompt_length=1)
    assert drawing(torch.zeros(1, 1, dtype=torch.int64), scores).argmax(-1).tolist() == [44_380]


def test_a_token_that_must_not_be_drawn_is_not() -> None:
    barred = torch.tensor([0.0, -torch.inf, 0.0])
    assert set(drawn(barred, 2000, 0).tolist()) == {0, 2}


def test_keys_differ_by_name_and_seed() -> None:
    names = ["row-1 0", "row-1 1", "row-10", "row-1 00", ""]
    keys = torch.cat([row_keys(names, seed) for seed in (0, 1, 10)])
    assert len(set(keys.tolist())) == 15
    assert row_keys([], 0).shape == (0,)


def test_the_integers_are_those_of_splitmix64() -> None:
    """The first three numbers of the generator that starts at 0."""
    states = torch.arange(1, 4) * _GOLDEN
    assert [n % 2**64 for n in _mix(states).tolist()] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
