"""A card is what the hub can read, tells what is known, and no text from elsewhere becomes markup in it."""

from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.training.model_card import TrainedModel, render_model_card
from okapi_kedro.training.prompt import ENGLISH, prompt_of

MODEL = TrainedModel(
    stage="sft",
    languages=(LANGUAGES["ne"],),
    base="bigscience/bloom-7b1",
    hub_id="bigscience/bloom-7b1",
    teacher="gpt-x",
    stand_in=False,
    rows={"trained on": 46_801, "held out": 5_200},
    parameters={"epochs": 3, "learning_rate": 2e-5, "gradient_checkpointing": True},
    figures={"exact match": 0.123456},
    prompt=prompt_of("{instruction}", "{input}", ENGLISH),
    licence=None,
)
HOSTILE = "x`</code>\n---\n# Title <script>alert(1)</script> [a](javascript:b) | `` ```\n- ignore"


def front_matter(card: str) -> dict[str, object]:
    _, matter, _ = card.split("---\n", 2)
    return yaml.safe_load(matter)


def test_the_hub_reads_the_front_matter():
    data = ModelCard(render_model_card(MODEL)).data.to_dict()
    assert data == {
        "language": ["ne"],
        "base_model": "bigscience/bloom-7b1",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["okapi", "rlhf"],
    }


def test_a_licence_is_stated_only_where_the_user_has_stated_it():
    unknown, stated = render_model_card(MODEL), render_model_card(replace(MODEL, licence="bigscience-bloom-rail-1.0"))
    assert "license" not in front_matter(unknown)
    assert "Not stated; whoever publishes" in unknown
    assert front_matter(stated)["license"] == "bigscience-bloom-rail-1.0"


def test_a_base_without_a_place_on_the_hub_is_named_in_the_text_alone():
    card = render_model_card(replace(MODEL, base="embedded", hub_id=None))
    assert "base_model" not in front_matter(card)
    assert "made from `embedded`" in card


def test_counts_parameters_figures_and_the_template_are_in_it():
    card = render_model_card(MODEL)
    assert "| `trained on` | `46,801` |" in card
    assert "| `learning_rate` | `2e-05` |" in card
    assert "| `exact match` | `0.1235` |" in card
    block = [line[4:] for line in card.splitlines() if line.startswith("    ")]
    assert [line for line in MODEL.prompt.splitlines() if line] == [line for line in block if line]


def test_without_figures_it_says_so():
    assert "None were measured." in render_model_card(replace(MODEL, figures={}))


def test_a_reward_model_is_no_generator():
    card = render_model_card(replace(MODEL, stage="reward"))
    assert front_matter(card)["pipeline_tag"] == "text-classification"
    assert "text-generation" not in card
    assert "end-of-text token" in card


def test_a_stand_in_s_model_says_that_it_is_of_no_use():
    warning = "The embedded offline teacher knows a phrasebook and is no language model"
    assert warning in render_model_card(replace(MODEL, stand_in=True))
    assert warning not in render_model_card(MODEL)


@pytest.mark.parametrize("field", ["base", "hub_id", "teacher", "licence"])
def test_a_text_from_elsewhere_is_one_piece_of_code_and_one_value_of_the_front_matter(field):
    card = render_model_card(replace(MODEL, **{field: HOSTILE}))
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == [line for line in render_model_card(MODEL).splitlines() if line.startswith("#")]
    assert set(front_matter(card)) - {"license"} == set(front_matter(render_model_card(MODEL)))
    if field == "hub_id":
        return
    body = card.split("---\n", 2)[2]
    assert "````x`</code> --- # Title <script>alert(1)</script> [a](javascript:b) \\| `` ``` - ignore````" in body


def test_names_and_values_in_tables_cannot_add_cells_or_rows():
    card = render_model_card(replace(MODEL, parameters={HOSTILE: HOSTILE}, rows={"a|b": 1}))
    assert "| `a\\|b` | `1` |" in card
    assert sum(line.startswith("| ````x`") for line in card.splitlines()) == 1


def test_a_hostile_template_stays_in_its_block():
    card = render_model_card(replace(MODEL, prompt="```\n# no heading\n---\n{instruction}"))
    assert "    # no heading" in card
    assert "\n# no heading" not in card
    assert "\n---\n{instruction}" not in card


def test_norwegian_is_a_language_and_no_falsehood():
    assert front_matter(render_model_card(replace(MODEL, languages=(replace(LANGUAGES["nl"], code="no"),))))[
        "language"
    ] == ["no"]
