"""Loops: planted ones are found in every script, refrains of the source pass."""

import json

import pytest

from okapi_kedro.text.repetition import repeats_itself

from .real_files import real_file


@pytest.mark.parametrize(
    "translated",
    [
        "काठमाडौं नेपालको राजधानी हो। " * 6,
        "加德满都是首都。" * 8,
        "我不知道" * 4,
        "Die Hauptstadt ist Katmandu und " + "und so weiter " * 12,
        "\n".join(f"{number}. நேபாளத்தின் தலைநகரம்" for number in range(1, 9)),
    ],
)
def test_a_loop_is_found(translated: str) -> None:
    assert repeats_itself("Name the capital of Nepal and say something about it.", translated)


@pytest.mark.parametrize(
    "text",
    ["", "0 0 0 0 0 0 0 0", "-----------------------", "ha ha ha ha ha ha ha ha", "Row, row, row your boat", "abc" * 3],
)
def test_a_text_that_repeats_itself_as_its_source_does_passes(text: str) -> None:
    assert not repeats_itself(text, text)


def test_a_refrain_of_the_source_may_be_repeated_as_often_but_not_on_and_on() -> None:
    source = "Let it be, let it be, let it be, let it be, whisper words of wisdom."
    assert not repeats_itself(source, "Lass es sein, lass es sein, lass es sein, lass es sein, flüstere weise Worte.")
    assert repeats_itself(source, "Lass es sein, " * 12)


def test_a_text_that_is_there_twice_is_found_unless_the_source_is() -> None:
    assert repeats_itself("The dog sleeps in the sun.", "Der Hund schläft in der Sonne. " * 2)
    assert not repeats_itself("Knock knock, who is there? " * 2, "Klopf, klopf, wer ist denn da? " * 2)
    assert not repeats_itself("questions", "pertanyaan-pertanyaan")
    assert not repeats_itself("Bye, bye, my friends.", "Auf Wiedersehen, auf Wiedersehen, Freunde.")


def test_a_huge_loop_is_found() -> None:
    assert repeats_itself("Tell a story.", "Es war einmal. " * 20_000)


def test_the_outputs_of_alpaca_pass_as_their_own_translations() -> None:
    rows = json.loads(real_file("alpaca/alpaca_data.json"))[::25]
    assert [row["output"] for row in rows if repeats_itself(row["output"], row["output"])] == []
