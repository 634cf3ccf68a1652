"""Parameters of evaluations that take no time."""

from typing import Any

from okapi_kedro.pipelines.evaluation.nodes import EvaluationParameters


def evaluation_parameters(**changes: Any) -> EvaluationParameters:
    """Few and short texts, with changes."""
    values: dict[str, Any] = {
        "style": "okapi",
        "batch_size": 8,
        "english_questions": None,
        "english_similarity": {"rows": 8, "max_length": 64},
        "generative": {
            "prompts": 1,
            "answers": {"temperature": 0, "top_p": 1, "max_new_tokens": 4, "batch_size": 1},
            "judge": {"attempts": 1, "temperature": 0, "top_p": 1, "max_tokens": 100},
        },
    }
    return EvaluationParameters.model_validate({**values, **changes})
