"""Summary and report of each language."""

from kedro.pipeline import Pipeline, node

from okapi_kedro.pipelines.reporting.nodes import (
    BENCHMARKS,
    collect_rejections,
    count_outcomes,
    count_stages,
    draw_scores,
    measure_lengths,
    summarise,
    write_report,
)
from okapi_kedro.reporting.figures import training_figure

_SHARED_COUNTED = (
    "seed_tasks",
    "seeds",
    "rejected_seeds",
    "alpaca",
    "alpaca_instructions",
    "rejected_alpaca",
    "human_files",
    "human_instructions",
    "rejected_human",
    "generation_requests",
    "generated_instructions",
    "rejected_instructions",
    "instructions",
    "english_arc",
    "english_hellaswag",
    "english_mmlu",
)
_COUNTED = (
    "translated_instructions",
    "rejected_translations",
    "arc",
    "rejected_arc",
    "hellaswag",
    "rejected_hellaswag",
    "mmlu",
    "rejected_mmlu",
    "sft_rows",
    "sft_examples",
    "rejected_sft_examples",
    "responses",
    "ranked_responses",
    "rejected_rankings",
    "preferences",
    "reward_pairs",
    "rejected_reward_pairs",
    "rl_prompts",
    "rejected_rl_prompts",
    "evaluation",
    "held_out_prompts",
    "verdicts",
    "rejected_comparisons",
)
_REJECTED = {
    "seeds": "rejected_seeds",
    "alpaca": "rejected_alpaca",
    "human": "rejected_human",
    "generation": "rejected_instructions",
    "translation": "rejected_translations",
    "translation_arc": "rejected_arc",
    "translation_hellaswag": "rejected_hellaswag",
    "translation_mmlu": "rejected_mmlu",
    "sft": "rejected_sft_examples",
    "ranking": "rejected_rankings",
    "reward": "rejected_reward_pairs",
    "rl": "rejected_rl_prompts",
    "comparison": "rejected_comparisons",
}
_TRANSLATED = {
    "instructions": "translated_instructions",
    "rejected_instructions": "rejected_translations",
    **{name: name for benchmark in BENCHMARKS for name in (benchmark, f"rejected_{benchmark}")},
}
SHARED_INPUTS = {*_SHARED_COUNTED, "node_seconds", "teacher", "english_tables"}


def create_pipeline() -> Pipeline:
    """Rows counted and rejections explained, texts measured, figures drawn, the summary, the page."""
    counted = {name: name for name in (*_SHARED_COUNTED, *_COUNTED)}
    return Pipeline(
        [
            node(collect_rejections, _REJECTED, "rejections", name="collect_rejections"),
            node(count_outcomes, _TRANSLATED, "translation_outcomes", name="count_outcomes"),
            node(
                measure_lengths,
                ["translated_instructions", "english_tables"],
                "text_lengths",
                name="measure_lengths",
            ),
            node(
                count_stages,
                {
                    "shared_seconds": "node_seconds",
                    "own_seconds": "own_node_seconds",
                    "alpaca_rows": "params:alpaca.rows",
                    **counted,
                },
                "stages",
                name="count_stages",
            ),
            node(
                training_figure,
                {"sft": "sft_log", "reward": "reward_log", "rl": "rl_log"},
                "training_figure",
                name="draw_training",
            ),
            node(draw_scores, ["evaluation", "params:language"], "scores_figure", name="draw_scores"),
            node(
                summarise,
                [
                    "params:language",
                    "params:seed",
                    "teacher",
                    "params:base_model.name",
                    "stages",
                    "sft_examples",
                    "sft_log",
                    "exact_match",
                    "judge_quality",
                    "reward_accuracy",
                    "rl_log",
                    "rl_comparison",
                    "evaluation",
                    "comparison",
                    "consistency",
                    "english_similarity",
                    "win_rates",
                    "chrf",
                ],
                "summary",
                name="summarise",
            ),
            node(
                write_report,
                [
                    "summary",
                    "rejections",
                    "translated_instructions",
                    "translation_outcomes",
                    "text_lengths",
                    "sft_log",
                    "reward_log",
                    "reward_margins",
                    "rl_log",
                    "rl_answers",
                    "rl_comparison",
                    "evaluation",
                    "comparison",
                    "consistency",
                    "english_similarity",
                    "side_by_side",
                ],
                "report",
                name="write_report",
            ),
        ]
    )
