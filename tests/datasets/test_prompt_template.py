"""The frame of a language's prompts comes from the file of that language, or is Alpaca's."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from okapi_kedro.datasets import PromptTemplateDataset
from okapi_kedro.training.prompt import ENGLISH

FRAMES = str(Path(__file__).parents[2] / "data" / "01_raw" / "frames")


def test_english_is_the_frame_of_all_languages_unless_the_native_one_is_asked_for() -> None:
    assert PromptTemplateDataset(frame="english", language="ne", path=FRAMES).load() == ENGLISH
    native = PromptTemplateDataset(frame="native", language="ne", path=FRAMES).load()
    assert native.response.startswith("### ")
    assert native != ENGLISH


def test_a_frame_that_nobody_has_written_and_a_wrong_word_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no frame for 'ne'; write data/01_raw/frames/ne\.json"):
        PromptTemplateDataset(frame="native", language="ne", path=str(tmp_path)).load()
    with pytest.raises(DatasetError, match="prompt_frame=nativ: it has to be english or native"):
        PromptTemplateDataset(frame="nativ", language="ne", path=FRAMES)  # type: ignore[arg-type]


def test_a_node_cannot_save_it() -> None:
    with pytest.raises(DatasetError, match="input"):
        PromptTemplateDataset(frame="english", language="ne", path=FRAMES).save(1)
