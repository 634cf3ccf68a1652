"""Every stage in every language: the language is the namespace."""

import os
from functools import cache

from kedro.pipeline import Pipeline

from okapi_kedro.languages import JOINT, parse_languages
from okapi_kedro.pipelines import (
    evaluation,
    generation,
    ingest,
    publish,
    ranking,
    reporting,
    reward,
    rl,
    sft,
    translation,
)

SHARED_INPUTS = {
    "instructions",
    "instruction_splits",
    "translation_prompt",
    "ranking_translation_prompt",
    "ranking_prompt",
    "comparison_prompt",
    "teacher",
    "english_arc",
    "english_hellaswag",
    "english_mmlu",
    *evaluation.pipeline.SHARED_INPUTS,
    *reporting.pipeline.SHARED_INPUTS,
    *ingest.pipeline.SHARED_INPUTS,
    *publish.pipeline.SHARED_INPUTS,
}


def register_pipelines() -> dict[str, Pipeline]:
    """The stages by name, each with all languages; `__default__` is the whole chain.

    The environment variable OKAPI_LANGUAGES (such as `ne+ta`) registers only those, for a smaller picture in kedro-viz.
    """
    return dict(_pipelines(parse_languages(os.environ.get("OKAPI_LANGUAGES", f"all+{JOINT}"))))


@cache
def _pipelines(codes: tuple[str, ...]) -> dict[str, Pipeline]:
    languages = tuple(code for code in codes if code != JOINT)
    stages = {
        "generation": _stage("generation", generation.pipeline.create_pipeline() + reporting.english.create_pipeline()),
        "translation": _stage("translation", translation.pipeline.create_shared_pipeline())
        + _in_languages(
            "translation",
            translation.pipeline.create_pipeline(),
            translation.pipeline.create_english_pipeline(),
            languages,
        ),
        "sft": _in_languages("sft", sft.pipeline.create_pipeline(), None, languages)
        + _in_languages("sft", sft.pipeline.create_joint_pipeline(), None, tuple({JOINT} & {*codes})),
        "ranking": _in_languages(
            "ranking", ranking.pipeline.create_pipeline(), ranking.pipeline.create_english_pipeline(), languages
        ),
        "reward": _in_languages("reward", reward.pipeline.create_pipeline(), None, languages),
        "rl": _in_languages("rl", rl.pipeline.create_pipeline(), None, languages),
        "evaluation": _in_languages(
            "evaluation",
            evaluation.pipeline.create_pipeline(),
            evaluation.pipeline.create_english_pipeline(),
            languages,
        ),
        "reporting": _in_languages("reporting", reporting.pipeline.create_pipeline(), None, languages),
    }
    beside_the_chain = {
        "leaderboard": _stage("leaderboard", reporting.leaderboard.create_pipeline()),
        "ingest": _in_languages("ingest", ingest.pipeline.create_pipeline(), None, languages),
        "publish": _in_languages("publish", publish.pipeline.create_pipeline(), None, languages),
    }
    return {**stages, **beside_the_chain, "__default__": sum(stages.values(), start=Pipeline([]))}


def _in_languages(stage: str, pipeline: Pipeline, english: Pipeline | None, codes: tuple[str, ...]) -> Pipeline:
    """A stage's nodes once for each language; English may have nodes of its own."""
    return sum(
        (_in_language(stage, (english or pipeline) if code == "en" else pipeline, code) for code in codes), Pipeline([])
    )


def _in_language(stage: str, pipeline: Pipeline, code: str) -> Pipeline:
    staged = _stage(stage, pipeline)
    return Pipeline(staged, namespace=code, inputs=SHARED_INPUTS & staged.inputs(), tags=[code])


def _stage(name: str, pipeline: Pipeline) -> Pipeline:
    """The nodes named `<stage>.<node>` and tagged with the stage, their datasets as they are."""
    return Pipeline(pipeline, namespace=name, prefix_datasets_with_namespace=False, tags=[name])
