"""Chatter: what the teacher says is found in many languages, what the source says is not."""

import json

import pytest

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.text.chatter import is_chatter

from .real_files import real_file

SOURCE = "Name the capital of Nepal."


@pytest.mark.parametrize(
    ("language", "translated"),
    [
        ("ne", "Here is the translation: नेपालको राजधानीको नाम भन्नुहोस्।"),
        ("ne", "Sure! नेपालको राजधानीको नाम भन्नुहोस्।"),
        ("ne", "Nepali: नेपालको राजधानीको नाम भन्नुहोस्।"),
        ("ne", "यहाँ अनुवाद छ: नेपालको राजधानीको नाम भन्नुहोस्।"),
        ("de", "Hier ist die Übersetzung:\nNennen Sie die Hauptstadt von Nepal."),
        ("fr", "Voici la traduction : Nommez la capitale du Népal."),
        ("zh", "以下是翻译结果：说出尼泊尔的首都。"),
        ("de", "instruction: Nennen Sie die Hauptstadt von Nepal."),
        ("de", '"output": "Nennen Sie die Hauptstadt von Nepal."'),
        ("de", "I'm sorry, but I cannot help with that."),
        ("de", "Es tut mir leid, das kann ich nicht."),
        ("hi", "क्षमा करें, मैं इसमें मदद नहीं कर सकता।"),
        ("zh", "很抱歉，我无法提供帮助。"),
        ("ar", "عذرًا، لا يمكنني المساعدة."),
        ("vi", "Xin lỗi, tôi không thể giúp."),
        ("ru", "Как языковая модель, я не могу помочь."),
        ("de", "Nennen Sie die Hauptstadt von Nepal. (Note: formal.)"),
        ("de", "Nennen Sie die Hauptstadt von Nepal.\n(Anmerkung: förmlich.)"),
        ("vi", "Hãy nêu tên thủ đô của Nepal. (Lưu ý: dịch sát.)"),
        ("ne", "नेपालको राजधानीको नाम भन्नुहोस्। (टिप्पणी: औपचारिक।)"),
        ("kn", "ನೇಪಾಳದ ರಾಜಧಾನಿಯನ್ನು ಹೆಸರಿಸಿ. (ಸೂಚನೆ: ಔಪಚಾರಿಕ.)"),
        ("de", "Nennen Sie die Hauptstadt / Nenne die Hauptstadt"),
        ("de", "Nennen Sie die Hauptstadt.\nor: Nenne die Hauptstadt."),
        ("de", "„Nennen Sie die Hauptstadt von Nepal.“"),
        ("zh", "“说出尼泊尔的首都。”"),
    ],
)
def test_what_the_teacher_adds_is_found(language: str, translated: str) -> None:
    assert is_chatter(SOURCE, translated, LANGUAGES[language])


@pytest.mark.parametrize(
    ("language", "source", "translated"),
    [
        ("de", "As an AI language model, I cannot eat.", "Als KI-Sprachmodell kann ich nicht essen."),
        ("de", "I'm sorry for your loss.", "Es tut mir leid um Ihren Verlust."),
        ("de", "Sorry, I am late.", "Entschuldigung, ich bin spät."),
        ("de", "Translate into Latin: dog", "Übersetzung ins Lateinische: Hund"),
        ("de", "Note: bring a coat.", "Hinweis: Bring einen Mantel mit."),
        ("de", "Input: a dog", "Eingabe: ein Hund"),
        ("de", '"To be or not to be"', "„Sein oder nicht sein“"),
        ("zh", '"A" is not "B"', "“A”不是“B”"),
        ("zh", "The Great Gatsby", "《了不起的盖茨比》"),
        ("es", "Is it hot or cold?", "¿Hace calor / frío?"),
        ("de", "Clothes make the man.", "Kleider machen Leute."),
        ("en", "नेपालको राजधानी: काठमाडौं", "Capital of Nepal: Kathmandu"),
        ("en", "यहाँ एउटा सूची छ।", "Here is a list."),
        ("ru", "Write in Latin: dog", "Переведи на латынь: собака"),
    ],
)
def test_what_the_source_says_is_translated(language: str, source: str, translated: str) -> None:
    assert not is_chatter(source, translated, LANGUAGES[language])


def test_a_quotation_may_not_get_more_quotation_marks_around_it() -> None:
    assert is_chatter('"To be or not to be"', "“„Sein oder nicht sein“”", LANGUAGES["de"])


def test_the_outputs_of_alpaca_are_no_chatter_beside_themselves() -> None:
    rows = json.loads(real_file("alpaca/alpaca_data.json"))[::25]
    assert [row["output"] for row in rows if is_chatter(row["output"], row["output"], LANGUAGES["de"])] == []
