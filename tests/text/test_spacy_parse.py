"""The optional parser: what is taken from a parse, and what is told when it cannot be had; spaCy itself is played."""

import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.text.spacy_parse import spacy_verb_objects


def word(lemma: str, part_of_speech: str, relation: str, *children: Any) -> SimpleNamespace:
    return SimpleNamespace(lemma_=lemma, pos_=part_of_speech, dep_=relation, children=children)


def poem(relation: str = "dobj", part_of_speech: str = "NOUN") -> SimpleNamespace:
    return word("Write", "VERB", "ROOT", word("I", "PRON", "dative"), word("Poem", part_of_speech, relation))


PARSES = {
    "Write me poems.": [poem()],
    "Write me poems!": [poem(relation="obj")],
    "Write to Poem": [poem(relation="pobj")],
    "Write Poem": [poem(part_of_speech="PROPN")],
    "What is it?": [word("be", "AUX", "ROOT", word("it", "PRON", "nsubj"))],
    "Write poems. Is it?": [poem(), word("be", "AUX", "ROOT")],
    "": [],
}


class Model:
    """Answers as a spaCy model does, by the table above."""

    def __init__(self, annotations: tuple[str, ...]) -> None:
        self.annotations = annotations

    def __call__(self, text: str) -> SimpleNamespace:
        return SimpleNamespace(has_annotation=lambda name: name in self.annotations)

    def pipe(self, texts: Any) -> Iterator[SimpleNamespace]:
        for text in texts:
            yield SimpleNamespace(sents=iter([SimpleNamespace(root=root) for root in PARSES[text]]))


@pytest.fixture
def spacy(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    def load(name: str) -> Model:
        models = {"english": Model(("DEP", "POS")), "blank": Model(())}
        if name not in models:
            raise OSError(f"[E050] Can't find model '{name}'.")
        return models[name]

    module = ModuleType("spacy")
    module.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spacy", module)
    return module


@pytest.mark.usefixtures("spacy")
def test_the_first_sentences_root_and_its_direct_object_are_taken() -> None:
    found = list(spacy_verb_objects(PARSES, "english"))
    assert found == [("write", "poem"), ("write", "poem"), ("write", ""), ("write", ""), None, ("write", "poem"), None]


def test_without_spacy_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(UserError, match=r"not installed: pip install 'okapi-kedro\[spacy\]'") as error:
        spacy_verb_objects(["Write."], "en_core_web_sm")
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("spacy")
def test_a_missing_model_is_named_with_the_command_that_gets_it() -> None:
    with pytest.raises(UserError, match=r"'en_core_web_sm' is installed: python -m spacy download en_core_web_sm"):
        spacy_verb_objects(["Write."], "en_core_web_sm")


@pytest.mark.usefixtures("spacy")
def test_a_model_without_a_parser_is_refused_before_any_instruction_is_read() -> None:
    with pytest.raises(UserError, match="'blank' has no tagger or no parser"):
        spacy_verb_objects(["Write."], "blank")
