"""The card of a trained model, README.md of its directory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import yaml

from okapi_kedro import __version__
from okapi_kedro.languages import Language
from okapi_kedro.reporting.dataset_card import as_code

Value = str | int | float | bool | None

_STAGES = {
    "sft": "tuned on instructions with their outputs (supervised fine-tuning)",
    "reward": "that gives a response to a prompt one number, the higher the better",
    "rlhf": "tuned on instructions, then to responses that a reward model prefers (reinforcement learning)",
}
_STAND_IN = (
    "**Its teacher was a stand-in.** The embedded offline teacher knows a phrasebook and is no language model: this "
    "model shows that the programs work, and is of no other use."
)
_GENERATION = """```python
from transformers import pipeline

respond = pipeline("text-generation", "FOLDER OR HUB NAME")
print(respond(prompt, return_full_text=False))
```"""
_REWARD = (
    "The reward is read at the end-of-text token, which has to follow the response; it compares responses to one "
    "prompt and says little across prompts."
)
_LIMITS = """- It says what is false as fluently as what is true, and nobody has tested whether what it does is safe.
- It learnt from translations and from a teacher model: their errors, views and refusals are in it.
- Figures on translated data compare models in one language, and languages only roughly."""


@dataclass(frozen=True)
class TrainedModel:
    """What a card tells of a model; texts may come from anywhere, they are written so that none is markup.

    Args:
        stage: sft, reward or rlhf.
        languages: of its data.
        base: the model that it began as: a hub id, a directory or `embedded`.
        hub_id: the base's name on the hub, where it has one.
        teacher: the model that translated or ranked its data.
        stand_in: the teacher was the embedded one, which is no language model.
        rows: how many rows it was trained and measured on, by name.
        parameters: of the training, by name.
        figures: measured on held-out rows, by name.
        prompt: the template that its prompts follow, with {instruction} and perhaps {input} in it.
        licence: as the hub spells it; None where it is for the user to state.
    """

    stage: Literal["sft", "reward", "rlhf"]
    languages: tuple[Language, ...]
    base: str
    hub_id: str | None
    teacher: str
    stand_in: bool
    rows: Mapping[str, int]
    parameters: Mapping[str, Value]
    figures: Mapping[str, float]
    prompt: str
    licence: str | None


def render_model_card(model: TrainedModel) -> str:
    """The card as Markdown with the front matter that the hub reads."""
    names = ", ".join(language.name for language in model.languages)
    parts = [
        f"---\n{_front_matter(model)}---",
        f"# Okapi in {names}: {model.stage}",
        f"A model {_STAGES[model.stage]}, in {names}, made from {as_code(model.base)} with okapi-kedro "
        f"{__version__}, an implementation of [Okapi](https://arxiv.org/abs/2307.16039).",
        _STAND_IN if model.stand_in else "",
        "## How to prompt",
        "Every prompt follows this template, with the braces filled in; the response comes after one space.",
        _indented(model.prompt),
        _REWARD if model.stage == "reward" else _GENERATION,
        "## Data",
        _table("rows", {name: f"{count:,}" for name, count in model.rows.items()}),
        f"Its data was translated or ranked by the teacher model {as_code(model.teacher)} and was not read by people.",
        "## Figures on held-out rows",
        _table("value", {name: f"{value:.4g}" for name, value in model.figures.items()}) or "None were measured.",
        "## Training",
        _table("value", {name: str(value) for name, value in model.parameters.items()}),
        "## Limits",
        _LIMITS,
        "## Licence",
        _licence(model),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(model: TrainedModel) -> str:
    matter = {
        **({"license": _line(model.licence)} if model.licence else {}),
        "language": [language.code for language in model.languages],
        **({"base_model": _line(model.hub_id)} if model.hub_id else {}),
        "library_name": "transformers",
        "pipeline_tag": "text-classification" if model.stage == "reward" else "text-generation",
        "tags": ["okapi", "rlhf", *(["reward-model"] if model.stage == "reward" else [])],
    }
    # `no` is a language of its own to people, but a falsehood to YAML; the dumper quotes such words.
    return str(yaml.safe_dump(matter, sort_keys=False, allow_unicode=True, width=1000))


def _line(text: str) -> str:
    """Without breaks, behind which three dashes would end the front matter."""
    return " ".join(text.split())


def _table(heading: str, rows: Mapping[str, str]) -> str:
    lines = [f"| {as_code(name)} | {as_code(value)} |" for name, value in rows.items()]
    return "\n".join([f"| | {heading} |", "|---|---:|", *lines]) if rows else ""


def _indented(text: str) -> str:
    """A block of code by its indentation, which no text can end."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _licence(model: TrainedModel) -> str:
    stated = f"{as_code(model.licence)}. " if model.licence else "Not stated; whoever publishes the model has to. "
    return (
        f"{stated}The base model's licence applies, as do the terms of the teacher model. Stanford Alpaca, and what "
        "derives from it, is for research only (CC BY-NC 4.0)."
    )
