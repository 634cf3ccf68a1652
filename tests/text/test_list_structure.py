"""Lists and lines: markers may change their dress, items may not come or go."""

import pytest

from okapi_kedro.text.list_structure import wrong_structure

LIST = "Three tips:\n\n1. Sleep well.\n2. Eat fruit.\n3. Move."


@pytest.mark.parametrize(
    ("source", "translated"),
    [
        (LIST, "तीन सुझाव:\n१. राम्ररी सुत।\n२. फलफूल खाऊ।\n३. हिँड।"),
        (LIST, "三个秘诀：\n\n1、睡好。\n二、吃水果。\n3.运动。"),
        ("- dog\n- cat", "• Hund\n• Katze"),
        ("-dog\n-cat", "——狗\n——猫"),
        ("a) dog\nb) cat", "क) कुकुर\nख) बिरालो"),
        ("I. Start\nII. End", "一、开始\n二。结束"),
        ("# Title\nText", "# Titel\nText"),
        ("1.5 is more\nthan 1", "1,5 ist mehr\nals 1"),
        ("", ""),
    ],
)
def test_the_same_structure_passes(source: str, translated: str) -> None:
    assert wrong_structure(source, translated) is None


@pytest.mark.parametrize(
    "translated",
    [
        "Drei Tipps:\n1. Schlaf.\n3. Geh.",
        "Drei Tipps:\n1. Schlaf. 2. Iss Obst.\n3. Geh.",
        "Drei Tipps:\n1. Schlaf.\n2. Iss Obst.\n3. Geh.\n4. Lach.",
        "Drei Tipps:\n1. Schlaf.\n3. Iss Obst.\n2. Geh.",
        "Drei Tipps:\n1. Schlaf.\nIss Obst.\n3. Geh.",
        "Drei Tipps:\n- Schlaf.\n- Iss Obst.\n- Geh.",
        "Drei Tipps: Schlaf, iss Obst und geh.",
    ],
)
def test_a_changed_list_is_found(translated: str) -> None:
    assert wrong_structure(LIST, translated) == "list items changed"


def test_a_line_that_is_lost_joined_or_added_is_found() -> None:
    verse = "Roses are red,\nviolets are blue,\nsugar is sweet."
    assert wrong_structure(verse, "Rosen sind rot,\nZucker ist süß.") == "lines changed"
    assert wrong_structure(verse, "Rosen sind rot, Veilchen sind blau,\nZucker ist süß.") == "lines changed"
    long = "The trees unfold the secrets that they keep for years,\nand green is everywhere.\nSpring."
    assert wrong_structure(long, "Die Bäume entfalten ihre Geheimnisse seit langer Zeit,\nFrühling.") == "lines changed"
    longer = "Rosen:\nrot,\nVeilchen sind blau,\nZucker ist süß."
    assert wrong_structure(verse, longer) == "lines changed"


def test_a_paragraph_may_be_wrapped_otherwise() -> None:
    source = "The village lies between two rivers that come\nfrom the snow and meet behind the old mill of an\naunt."
    joined = "Das Dorf liegt zwischen zwei Flüssen, die aus dem Schnee kommen und sich bei der alten Mühle treffen."
    assert wrong_structure(source, joined) is None
    assert wrong_structure(f"{source}\n\nThe end.", f"{joined}\n\nEnde.") is None
    assert wrong_structure(f"{source}\n\nThe end.", joined) == "lines changed"
