"""The page on the English instructions that all languages share, with the paper's figure of verbs and objects."""

from typing import Literal

import pandas as pd
import plotly.graph_objects as go
from kedro.pipeline import Pipeline, node
from pydantic import BaseModel, ConfigDict, PositiveInt

from okapi_kedro.reporting.instructions_page import render_instructions_page
from okapi_kedro.reporting.verb_sunburst import describe_pairs, top_pairs, verb_sunburst
from okapi_kedro.text.spacy_parse import spacy_verb_objects
from okapi_kedro.text.verb_objects import verb_object


class VerbParameters(BaseModel):
    """How verbs and objects are read, and how many are shown.

    Args:
        parser: `rules` needs no model; `spacy` needs the extra of that name and an installed model.
        spacy_model: name or directory of the model; read by `spacy` alone.
        verbs: in the inner ring.
        objects: of each verb, in the outer ring.
    """

    model_config = ConfigDict(extra="forbid")

    parser: Literal["rules", "spacy"]
    spacy_model: str
    verbs: PositiveInt
    objects: PositiveInt

    def in_words(self) -> str:
        """The parser as a caption names it."""
        return "word lists and word order" if self.parser == "rules" else f"spaCy's {self.spacy_model}"


def read_verbs(instructions: pd.DataFrame, parameters: VerbParameters) -> pd.DataFrame:
    """The root verb of every instruction and its direct object, empty where there is none."""
    texts = instructions["instruction"]
    by_rules = parameters.parser == "rules"
    read = map(verb_object, texts) if by_rules else spacy_verb_objects(texts, parameters.spacy_model)
    pairs = [pair or ("", "") for pair in read]
    columns = {"verb": [verb for verb, _ in pairs], "object": [noun for _, noun in pairs]}
    return pd.DataFrame({"id": instructions["id"], **columns}).astype("str")


def draw_verbs(verbs: pd.DataFrame, parameters: VerbParameters) -> go.Figure:
    """The most frequent verbs with their most frequent objects (Okapi, figure 1)."""
    pairs = top_pairs(verbs, parameters.verbs, parameters.objects)
    return verb_sunburst(pairs, describe_pairs(verbs, pairs, parameters.in_words()))


def write_instructions_page(
    instructions: pd.DataFrame,
    splits: pd.DataFrame,
    alpaca_defects: pd.DataFrame,
    human_defects: pd.DataFrame,
    requests: pd.DataFrame,
    rejected: pd.DataFrame,
    verbs: pd.DataFrame,
    sunburst: go.Figure,
    parameters: VerbParameters,
) -> str:
    """The page on sources, defects, generation and verbs."""
    pairs = top_pairs(verbs, parameters.verbs, parameters.objects)
    caption = describe_pairs(verbs, pairs, parameters.in_words())
    defects = {"alpaca": alpaca_defects, "human": human_defects}
    return render_instructions_page(instructions, splits, defects, requests, rejected, pairs, caption, sunburst)


def create_pipeline() -> Pipeline:
    """Verbs and objects, their figure, the page."""
    return Pipeline(
        [
            node(read_verbs, ["instructions", "params:instruction_verbs"], "instruction_verbs", name="read_verbs"),
            node(
                draw_verbs,
                ["instruction_verbs", "params:instruction_verbs"],
                "instruction_verbs_figure",
                name="draw_verbs",
            ),
            node(
                write_instructions_page,
                [
                    "instructions",
                    "instruction_splits",
                    "alpaca_defects",
                    "human_defects",
                    "generation_requests",
                    "rejected_instructions",
                    "instruction_verbs",
                    "instruction_verbs_figure",
                    "params:instruction_verbs",
                ],
                "instructions_page",
                name="write_instructions_page",
            ),
        ]
    )
