"""The figures show every value of the tables that they are drawn from, and no other."""

import math

import pandas as pd
import pytest

from okapi_kedro.reporting.figures import scores_figure, training_figure

SFT = pd.DataFrame(
    {"step": [1, 2, 3], "loss": [3.0, math.nan, 1.0], "eval_loss": [math.nan, 2.5, math.nan], "tokens": [1, 2, 3]}
)
RL = pd.DataFrame({"step": [1, 2], "reward": [0.5, 0.75], "kl": [math.nan, math.nan]})


def evaluation(values: dict[tuple[str, str], float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"task": task, "model": model, "metric": metric, "value": value + shift, "stderr": 0.01}
            for (task, model), value in values.items()
            for metric, shift in (("acc", 0.1), ("acc_norm", 0.0))
        ]
    )


def titles(figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def test_a_curve_joins_the_values_that_were_logged():
    loss, held_out = training_figure(sft=SFT).data
    assert (loss.name, list(loss.x), list(loss.y)) == ("training", [1, 3], [3.0, 1.0])
    assert (held_out.name, list(held_out.x), list(held_out.y)) == ("held out", [2], [2.5])
    assert loss.line.color != held_out.line.color


def test_measures_that_a_log_lacks_or_never_filled_get_no_panel():
    assert titles(training_figure(sft=SFT, rl=RL)) == ["SFT: cross-entropy per token", "RL: mean reward of the draws"]
    assert titles(training_figure(rl=RL)) == ["RL: mean reward of the draws"]


def test_a_name_stands_in_the_legend_once():
    shown = [trace.name for trace in training_figure(sft=SFT, rl=RL).data if trace.showlegend]
    assert sorted(shown) == ["held out", "training"]


def test_logs_without_a_known_measure_give_an_empty_figure():
    assert not training_figure(sft=SFT[["step", "tokens"]]).data
    assert not training_figure().data


def test_an_unknown_stage_is_an_error():
    with pytest.raises(KeyError, match="distillation"):
        training_figure(distillation=SFT)


def test_scores_are_in_percent_with_their_standard_errors_by_benchmark():
    figure = scores_figure(
        {
            "Nepali": evaluation({("arc", "base"): 0.25, ("arc", "sft"): 0.5, ("mmlu", "sft"): 0.3}),
            "Tamil": evaluation({("arc", "sft"): 0.4}),
        }
    )
    assert titles(figure) == ["ARC", "MMLU"]
    bars = {(bar.name, bar.xaxis): dict(zip(bar.x, bar.y, strict=True)) for bar in figure.data}
    assert bars == {
        ("base", "x"): {"Nepali": 25.0},
        ("sft", "x"): {"Nepali": 50.0, "Tamil": 40.0},
        ("sft", "x2"): {"Nepali": 30.0},
    }
    assert all(error == pytest.approx(1.0) for bar in figure.data for error in bar.error_y.array)
    colours = {bar.name: bar.marker.color for bar in figure.data}
    assert colours["base"] != colours["sft"]
    assert sorted(bar.name for bar in figure.data if bar.showlegend) == ["base", "sft"]


def test_a_model_that_is_not_on_the_first_benchmark_is_in_the_legend():
    figure = scores_figure({"Nepali": evaluation({("arc", "base"): 0.2, ("mmlu", "rlhf"): 0.3})})
    assert {bar.name for bar in figure.data if bar.showlegend} == {"base", "rlhf"}
