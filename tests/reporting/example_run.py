"""A made-up run in one language: the tables and figures that the reporting pipeline hands to the pages."""

import math
from typing import Any

import pandas as pd

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.reporting.stage_counts import rejections, stage_row
from okapi_kedro.reporting.text_lengths import text_lengths
from okapi_kedro.reporting.translation_outcomes import translation_outcomes

TASKS: dict[str, list[tuple[str, str, str]]] = {
    "ne": [
        ("नेपालको राजधानी कुन हो?", "", "काठमाडौं"),
        ("यी शब्दमध्ये कुन फलफूल हो?", "स्याउ, कुकुर, टेबुल", "स्याउ"),
        ("वाक्यलाई भूतकालमा लेख्नुहोस्।", "म विद्यालय जान्छु।", "म विद्यालय गएँ।"),
    ],
    "ar": [
        ("ما هي عاصمة مصر؟", "", "القاهرة"),
        ("رتّب الأرقام من الأصغر إلى الأكبر: 12 و 7 و 30", "12, 7, 30", "7, 12, 30"),
        ("اكتب جملة قصيرة عن البحر باستخدام كلمة `wave`.", "", "تعانق الموجة (wave) الشاطئ كل صباح."),
    ],
    "zh": [
        ("中国的首都是哪里？", "", "北京"),
        ("下面哪一个词是水果？", "苹果、狗、桌子", "苹果"),
        (
            "请把这句话改写成过去时，并说明你是如何改写的。",
            "我去学校。",
            "昨天我去了学校。句中加上了时间词“昨天”和助词“了”。",
        ),
    ],
    "ta": [
        ("இந்தியாவின் தலைநகரம் எது?", "", "புது தில்லி"),
        ("இவற்றில் எது விலங்கு?", "நாய், ஆப்பிள், மேசை", "நாய்"),
        ("வாக்கியத்தை இறந்த காலத்தில் எழுதுங்கள்.", "நான் பள்ளிக்குச் செல்கிறேன்.", "நான் பள்ளிக்குச் சென்றேன்."),
    ],
}
HOW_TO_REPRODUCE = {"command": "kedro run --params lang=ne,seed=1", "versions": "kedro 1.7.0, torch 2.9.1, trl 1.16.0"}


def example_report(code: str) -> dict[str, Any]:
    """The arguments of `render_report` for a run in one of the languages of TASKS."""
    translated = _translated(code)
    return {
        "language": LANGUAGES[code],
        "summary": _summary(code),
        "rejected": _rejected(),
        "translated": translated,
        "outcomes": example_outcomes(),
        "lengths": text_lengths(translated, translated.assign(instruction="Name the capital of Nepal.")),
        "sft_log": _sft_log(),
        "reward_log": _reward_log(),
        "reward_margins": _reward_margins(),
        "rl_log": _rl_log(),
        "rl_answers": pd.DataFrame(
            [
                {"step": step, "prompt": "पहिलो", "response": f"<b>{step}</b>", "reward": step / 10}
                for step in range(0, 60, 10)
            ]
        ),
        "rl_comparison": _rl_comparison(translated),
        "evaluation": example_evaluation(),
        "comparison": example_comparison(),
        "consistency": example_consistency(),
        "similarity": example_similarity(),
        "side_by_side": _side_by_side(translated),
        "how_to_reproduce": HOW_TO_REPRODUCE,
    }


def example_evaluation() -> pd.DataFrame:
    """Scores of base, SFT and RLHF model on three benchmarks."""
    values = {"base": (0.24, 0.26, 0.253), "sft": (0.31, 0.372, 0.281), "rlhf": (0.335, 0.365, 0.302)}
    benchmarks = (("arc", 25, 1170), ("hellaswag", 0, 9229), ("mmlu", 25, 13258))
    return pd.DataFrame(
        [
            {
                "base_model": "bigscience/bloom-7b1",
                "model": model,
                "task": task,
                "metric": metric,
                "shots": shots,
                "value": values[model][place] + lift,
                "stderr": math.sqrt(0.2 / n),
                "n": n,
                "truncated": 12 if task == "arc" else 0,
            }
            for model in values
            for place, (task, shots, n) in enumerate(benchmarks)
            for metric, lift in (("acc", 0.0), ("acc_norm", 0.02))
        ]
    )


def example_comparison() -> pd.DataFrame:
    """One step that is better, one that is worse and one that chance explains."""
    steps = (("base", "sft", 90, 40, 0.0), ("sft", "rlhf", 12, 31, 0.006), ("base", "rlhf", 25, 20, 0.551))
    return pd.DataFrame(
        [
            {"before": before, "after": after, "task": "arc", "metric": metric, "n": 1170}
            | {"difference": (gained - lost) / 1170, "stderr": 0.01, "gained": gained, "lost": lost, "p_value": p_value}
            for before, after, gained, lost, p_value in steps
            for metric in ("acc", "acc_norm")
        ]
    )


def example_consistency() -> pd.DataFrame:
    """Answers to ARC and MMLU beside those in English."""
    return pd.DataFrame(
        [
            {"task": task, "metric": metric, "value": value, "stderr": 0.02, "n": 1000, "moved": 3}
            for task, value in (("arc", 0.482), ("mmlu", 0.377))
            for metric in ("acc", "acc_norm")
        ]
    )


def example_similarity() -> pd.DataFrame:
    """States in a model of four layers."""
    values = [(0, 0.42, 0.31), (1, 0.61, 0.44), (2, 0.78, 0.52), (3, 0.81, 0.55), (4, 0.66, 0.49)]
    table = pd.DataFrame(values, columns=["layer", "similarity", "unrelated"])
    return table.assign(stderr=0.01, n=200)


def example_outcomes() -> pd.DataFrame:
    """Outcomes of 900 instructions and some questions, with the rejected ones' fields."""
    benchmarks = {name: pd.DataFrame({"id": range(40)}) for name in ("arc", "hellaswag", "mmlu")}
    passed = pd.DataFrame({"attempts": [1] * 700 + [2] * 150})
    instructions = ["output: script"] * 30 + ["instruction: in English"] * 12 + ["no JSON object"] * 8
    rejected = {
        "instructions": pd.DataFrame({"reason": instructions}),
        "arc": pd.DataFrame({"reason": ["two options became equal"] * 3 + ["option_a: script"]}),
        "hellaswag": pd.DataFrame({"reason": ["ending_2: numbers kept"] * 2}),
        "mmlu": pd.DataFrame({"reason": []}, dtype="str"),
    }
    return translation_outcomes({"instructions": passed, **benchmarks}, rejected)


def _translated(code: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "id": f"row-{number}",
                "split": ("sft", "ranking", "rl")[number % 3],
                "held_out": number % 5 == 0,
                "instruction": instruction,
                "input": input,
                "output": output,
                "attempts": 1,
            }
            for number in range(60)
            for instruction, input, output in [TASKS[code][(number // 2) % 3]]
        ]
    )


def _rejected() -> pd.DataFrame:
    duplicates = pd.DataFrame(
        {"id": ["000003-01", "000007-11"], "reason": "near-duplicate", "raw": "Instruction: Name the capital of Nepal."}
    )
    answers = pd.DataFrame(
        {
            "id": ["row-61", "row-62"],
            "reason": ["instruction: left in English", "output: script"],
            "raw": ['{"instruction": "Name the capital & the river", "input": ""}', '{"output": "<b>काठमाडौं</b>"}'],
        }
    )
    long = pd.DataFrame({"id": ["a", "b"], "reason": ["310 tokens, longer than 256", "280 tokens, longer than 256"]})
    return rejections({"generation": duplicates, "translation": answers, "sft": long})


def _sft_log() -> pd.DataFrame:
    training = [{"step": step, "loss": 3.4 * math.exp(-step / 150) + 0.35} for step in range(20, 621, 20)]
    held_out = [{"step": step, "eval_loss": 2.9 * math.exp(-step / 160) + 0.62} for step in range(78, 625, 78)]
    return pd.DataFrame([*training, *held_out]).sort_values("step", kind="stable", ignore_index=True)


def _reward_margins() -> pd.DataFrame:
    distances = pd.array([1 + place % 3 for place in range(60)], dtype="Int64")
    margins = [distance * (0.4 + math.sin(place)) for place, distance in enumerate(distances)]
    return pd.DataFrame({"margin": margins, "rank_distance": distances})


def _reward_log() -> pd.DataFrame:
    steps = range(10, 301, 10)
    wobble = [math.sin(step * 1.7) / 30 for step in steps]
    return pd.DataFrame(
        {
            "step": steps,
            "loss": [0.25 + 0.45 * math.exp(-step / 90) + w for step, w in zip(steps, wobble, strict=True)],
            "accuracy": [0.9 - 0.4 * math.exp(-step / 80) - w for step, w in zip(steps, wobble, strict=True)],
        }
    )


def _rl_log() -> pd.DataFrame:
    steps = range(1, 181)
    return pd.DataFrame(
        {
            "step": steps,
            "reward": [2.2 - 3.0 * math.exp(-step / 60) + math.sin(step * 2.3) / 5 for step in steps],
            "response_tokens": [14 + 6 * math.sin(step / 40) + math.cos(step * 1.9) for step in steps],
            "entropy": [1.5 + math.exp(-step / 90) for step in steps],
            "without_eos": [0.1 + math.sin(step) / 20 for step in steps],
            "kl": [4 * (1 - math.exp(-step / 70)) + abs(math.sin(step * 1.3)) / 4 for step in steps],
        }
    )


def _rl_comparison(translated: pd.DataFrame) -> pd.DataFrame:
    rows = translated[translated["held_out"]]
    return pd.DataFrame(
        {
            "id": rows["id"],
            "prompt": "Below is an instruction that describes a task.\n\n### Instruction:\n" + rows["instruction"],
            "reference": rows["output"],
            "sft_response": rows["output"].str[::2],
            "sft_reward": [-0.8 + place / 10 for place in range(len(rows))],
            "rlhf_response": rows["output"],
            "rlhf_reward": [1.1 + place / 20 for place in range(len(rows))],
        }
    ).reset_index(drop=True)


def _side_by_side(translated: pd.DataFrame) -> pd.DataFrame:
    rows = translated[translated["held_out"]]
    return pd.DataFrame(
        {
            "id": rows["id"],
            "instruction": rows["instruction"],
            "input": rows["input"],
            "reference": rows["output"],
            "base": "",
            "sft": rows["output"].str[::2],
            "rlhf": rows["output"],
            "sft_against_base": "win",
            "rlhf_against_sft": ["tie", "", "loss"] * (len(rows) // 3),
        }
    ).reset_index(drop=True)


def _summary(code: str) -> dict[str, Any]:
    return {
        "language": code,
        "teacher": "embedded offline teacher",
        "asked": [
            {
                "stage": "translation",
                "language": code,
                "model": "offline-teacher",
                "answers": 6805,
                "prompt_tokens": 1_234_567,
                "completion_tokens": 345_678,
                "usd": 0.0,
                "unpriced": 6805,
                "lost": 2,
                "lost_usd": 0.0,
            }
        ],
        "base_model": "embedded",
        "seed": 1,
        "stages": [
            stage_row("seeds", 175, 175, 0, 0.12),
            stage_row("generation", 1204, 700, 504, 41.3),
            stage_row("translation", 875, 861, 14, 18.92),
            stage_row("sft", 175, 173, 2, 203.4),
            stage_row("rl", 420, 420, 0, 4210.0),
        ],
        "sft": {
            "english_share": 0.0,
            "loss_first": 3.3,
            "loss_last": 0.4,
            "eval_loss_first": 2.4,
            "eval_loss_last": 0.68,
            "exact_match_base": 0.0,
            "exact_match_sft": 0.6467,
            "exact_match_stderr": 0.0391,
            "n": 150,
        },
        "judge": {"text": "Judged in two orders: 26 prompts, 97 % of their pairs ranked alike."},
        "reward": {
            "held_out_accuracy": 0.8125,
            "stderr": 0.0173,
            "pairs": 4100,
            "held_out_pairs": 512,
            "margin": 1.94,
        },
        "rl": {
            "reward_before": -0.214,
            "reward_before_stderr": 0.081,
            "reward_after": 1.377,
            "reward_after_stderr": 0.064,
            "gain": 1.591,
            "gain_stderr": 0.072,
            "kl": 3.9,
            "prompts": 100,
        },
        "evaluation": [],
        "generative": {
            "win_rates": [
                {
                    **{"model": "rlhf", "rival": "sft", "n": 150, "wins": 70, "ties": 50, "losses": 30},
                    **{"win_rate": 0.6333, "low": 0.5671, "high": 0.6958, "p_value": 0.0001},
                    **{"judged": 120, "changed": 0.15, "first_preferred": 0.5833},
                }
            ],
            "chrf": [
                {"model": "base", "chrf": None, "chrf_stderr": None, "n": 0},
                {"model": "sft", "chrf": 41.26, "chrf_stderr": None, "n": 1},
                {"model": "rlhf", "chrf": 52.74, "chrf_stderr": 2.16, "n": 150},
            ],
        },
        "seconds": 4473.8,
    }
