"""How often the checks on a translated field reject a good translation, and which damage they find.

    python benchmarks/translation_checks.py                  two or three minutes on one core
    pip install django sphinx                                in a scratch environment: more pairs, in all languages

Prints one JSON object. Good pairs: XQuAD and a Chinese Alpaca, which was made by a machine and is row by row that of
`alpaca_data.json`, where `--data` has them; the phrasebooks, the tests' sentences, and the messages of the packages in
`--messages`, a folder with their `.mo` files. `false_rejections` has for each language and origin the pairs, the share
that any check rejects and the share of each reason; `by_length` the same for the length of the source in characters;
`to_english` is of the same pairs the other way round. `found` is the share of planted damages after which any check
fails, of pairs without a failed check; `as` the reasons. All shares in percent. `cpu_microseconds` is the time of one
field.
"""

import argparse
import gettext
import html
import json
import random
import re
import runpy
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.text.placeholders import protect
from okapi_kedro.text.translation_checks import failed_check

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data"
SENTENCES = runpy.run_path(str(HERE / "language_detection.py"))
FIELDS = ("instruction", "input", "output")
LENGTHS = (15, 40, 100, 300)


class Pair(NamedTuple):
    """A text and a good translation of it."""

    language: str
    origin: str
    source: str
    translated: str


def pairs(data: Path, messages: Path | None) -> Iterator[Pair]:
    yield from xquad(data)
    yield from alpaca(data)
    yield from own_sentences()
    for text in SENTENCES["phrasebooks"]():
        yield Pair(text.language, "phrasebooks", text.source, text.text)
    for path in sorted(messages.rglob("*.mo")) if messages else ():
        yield from packages(path)


def xquad(data: Path) -> Iterator[Pair]:
    for text in SENTENCES["xquad"](data):
        yield Pair(
            text.language, "xquad passages" if len(text.source) > 250 else "xquad questions", text.source, text.text
        )


def alpaca(data: Path) -> Iterator[Pair]:
    """Fields without code and the like, which was translated too."""
    english, chinese = data / "alpaca" / "alpaca_data.json", data / "alpaca_zh" / "carbonz0_zh-data-part-00.json"
    if not (english.exists() and chinese.exists()):
        return
    rows = zip(*(json.loads(path.read_text("utf-8")) for path in (english, chinese)), strict=False)
    for source, translated in rows:
        for name in FIELDS:
            if not protect(source[name]).pieces:
                yield Pair("zh", f"alpaca {name}s", source[name], html.unescape(translated[name]))


def own_sentences() -> Iterator[Pair]:
    """The sentences, and five of them as one text."""
    groups = defaultdict(list)
    for text in SENTENCES["own_sentences"]():
        groups[text.language].append(text)
    for language, texts in groups.items():
        for five in (texts[:5], texts[5:]):
            source, translated = " ".join(text.source for text in five), " ".join(text.text for text in five)
            yield Pair(language, "own sentences", source, translated)
        yield from (Pair(language, "own sentences", text.source, text.text) for text in texts)


def packages(path: Path) -> Iterator[Pair]:
    language = {"zh_Hans": "zh", "zh_CN": "zh"}.get(path.parts[-3], path.parts[-3])
    if language in LANGUAGES:
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        for source, text in catalogue.items():
            if source and isinstance(source, str) and text:
                yield Pair(
                    language, "packages", *(SENTENCES["prose"](side.split("\x04")[-1]) for side in (source, text))
                )


def false_rejections(good: list[Pair], key: Callable[[Pair], str], back: bool = False) -> dict[str, object]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pair in good:
        if back:
            reason = failed_check(pair.translated, pair.source, LANGUAGES["en"])
        else:
            reason = failed_check(pair.source, pair.translated, LANGUAGES[pair.language])
        counts[key(pair)][reason or ""] += 1
    return {
        name: {
            "pairs": count.total(),
            "rejected": percent(count.total() - count[""], count.total()),
            "by": {reason: percent(number, count.total()) for reason, number in count.items() if reason},
        }
        for name, count in sorted(counts.items())
    }


def percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2)


def length(pair: Pair) -> str:
    return next((f"under {bound}" for bound in LENGTHS if len(pair.source) < bound), f"from {LENGTHS[-1]}")


Damage = Callable[[Pair, random.Random], str | None]
"""What becomes of a pair's translation, or None where there is nothing to damage."""


def digit_changed(pair: Pair, rng: random.Random) -> str | None:
    digits = [place for place, sign in enumerate(pair.translated) if sign.isdecimal()]
    if not digits:
        return None
    place = rng.choice(digits)
    old = int(pair.translated[place])
    return f"{pair.translated[:place]}{rng.choice([d for d in range(10) if d != old])}{pair.translated[place + 1 :]}"


def number_dropped(pair: Pair, rng: random.Random) -> str | None:
    """A number that stands in digits on both sides."""
    numbers = [number for number in re.finditer(r"\d+(?:[.,]\d+)*", pair.translated) if number[0] in pair.source]
    if not numbers:
        return None
    number = rng.choice(numbers)
    return pair.translated[: number.start()] + pair.translated[number.end() :]


def number_added(pair: Pair, rng: random.Random) -> str | None:
    return f"{pair.translated} {rng.randrange(10, 3000)}"


def cut(share: float, least: int) -> Damage:
    def damage(pair: Pair, rng: random.Random) -> str | None:
        long = len(pair.source) >= least
        return pair.translated[: int(len(pair.translated) * share)] if long else None

    return damage


def doubled(pair: Pair, rng: random.Random) -> str | None:
    return f"{pair.translated} {pair.translated}" if len(pair.source) >= 100 else None


def another(pair: Pair, rng: random.Random) -> str | None:
    """An instruction obeyed: one word is left of it."""
    return pair.translated.split()[-1][-8:] if len(pair.source) >= 40 else None


def loop(pair: Pair, rng: random.Random) -> str | None:
    start = rng.randrange(max(1, len(pair.translated) // 2))
    phrase = pair.translated[start : start + rng.randrange(5, 60)]
    if sum(map(str.isalpha, phrase)) < 4:
        return None
    return pair.translated[: start + len(phrase)] + phrase * rng.randrange(5, 30)


def loop_of_items(pair: Pair, rng: random.Random) -> str | None:
    phrase = pair.translated[: rng.randrange(8, 40)].replace("\n", " ")
    if sum(map(str.isalpha, phrase)) < 5:
        return None
    return "\n".join(f"{number}. {phrase}" for number in range(1, rng.randrange(8, 30)))


MARKED = re.compile(r"\s*(?:\d{1,2}[.)、]|[-*•])\s*")


def item(change: Callable[[list[str], int, random.Random], list[str]]) -> Damage:
    """Damage to a list with at least three items."""

    def damage(pair: Pair, rng: random.Random) -> str | None:
        lines = [line for line in pair.translated.split("\n") if line.strip()]
        items = [place for place, line in enumerate(lines) if MARKED.match(line)]
        if len(items) < 3 or len([line for line in pair.source.split("\n") if MARKED.match(line)]) < 3:
            return None
        return "\n".join(change(lines, rng.choice(items[1:]), rng))

    return damage


def line_dropped(pair: Pair, rng: random.Random) -> str | None:
    lines = [line for line in pair.translated.split("\n") if line.strip()]
    if len(lines) < 3:
        return None
    lines.pop(rng.randrange(len(lines)))
    return "\n".join(lines)


ANNOUNCEMENTS = {
    "de": "Hier ist die Übersetzung:",
    "fr": "Voici la traduction :",
    "es": "Aquí está la traducción:",
    "zh": "以下是翻译结果：",
    "vi": "Đây là bản dịch:",
    "ar": "إليك الترجمة:",
    "hi": "यहाँ अनुवाद है:",
    "ru": "Вот перевод:",
    "ne": "यहाँ अनुवाद छ:",
    "it": "Ecco la traduzione:",
    "nl": "Hier is de vertaling:",
    "id": "Berikut terjemahannya:",
    "bn": "এখানে অনুবাদ:",
    "hu": "Íme a fordítás:",
    "uk": "Ось переклад:",
    "ta": "இதோ மொழிபெயர்ப்பு:",
    "da": "Her er oversættelsen:",
}
REFUSALS = {
    "de": "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "vi": "Xin lỗi, tôi không thể giúp với yêu cầu này.",
    "zh": "抱歉，我无法协助处理这个请求。",
    "ar": "عذرًا، لا يمكنني المساعدة في هذا الطلب.",
    "ru": "Извините, я не могу помочь с этим.",
    "hi": "क्षमा करें, मैं इस अनुरोध में सहायता नहीं कर सकता।",
    "ne": "माफ गर्नुहोस्, म यसमा मद्दत गर्न सक्दिनँ।",
    "fr": "Je suis désolé, mais je ne peux pas vous aider.",
    "es": "Lo siento, pero no puedo ayudar con eso.",
}
NOTES = {
    "de": "(Anmerkung: wörtlich übersetzt.)",
    "vi": "(Lưu ý: dịch sát nghĩa.)",
    "zh": "（注：直译。）",
    "ar": "(ملاحظة: ترجمة حرفية.)",
    "hi": "(नोट: शाब्दिक अनुवाद।)",
    "ne": "(नोट: शाब्दिक अनुवाद।)",
    "ru": "(Примечание: дословный перевод.)",
}


def said(form: str, words: dict[str, str] | None = None) -> Damage:
    """What a teacher says, in English or, where `words` are given, in their languages only."""

    def damage(pair: Pair, rng: random.Random) -> str | None:
        if words and pair.language not in words:
            return None
        name = LANGUAGES[pair.language].name
        return form.format(pair.translated, words[pair.language] if words else name)

    return damage


ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)\b")


def plain_number_dropped(pair: Pair, rng: random.Random) -> str | None:
    """The same, of texts without ordinals."""
    return None if ORDINAL.search(pair.source) else number_dropped(pair, rng)


DAMAGES: dict[str, Damage] = {
    "digit changed": digit_changed,
    "number dropped": number_dropped,
    "number dropped, no ordinals": plain_number_dropped,
    "number added": number_added,
    "cut to half, from 100 characters": cut(0.5, 100),
    "cut to half, from 300 characters": cut(0.5, 300),
    "cut to two thirds, from 300 characters": cut(0.67, 300),
    "doubled, from 100 characters": doubled,
    "one word left, from 40 characters": another,
    "nothing left": cut(0, 1),
    "loop": loop,
    "loop of items": loop_of_items,
    "item dropped": item(lambda lines, place, _: lines[:place] + lines[place + 1 :]),
    "item repeated": item(lambda lines, place, _: [*lines[:place], lines[place], *lines[place:]]),
    "items merged": item(
        lambda lines, place, _: [*lines[: place - 1], f"{lines[place - 1]} {lines[place]}", *lines[place + 1 :]]
    ),
    "item without its marker": item(
        lambda lines, place, _: [*lines[:place], MARKED.sub("", lines[place], count=1), *lines[place + 1 :]]
    ),
    "line dropped": line_dropped,
    "announced": said("Here is the translation: {0}"),
    "announced on its own line": said("Sure! Here is the {1} translation:\n\n{0}"),
    "language named": said("{1}: {0}"),
    "announced in the language": said("{1} {0}", ANNOUNCEMENTS),
    "key name": said("instruction: {0}"),
    "refused": said("I'm sorry, but I cannot help with that request."),
    "refused as a machine": said("As an AI language model, I cannot translate this text for you."),
    "refused in the language": said("{1}", REFUSALS),
    "note added": said("{0} (Note: this is a literal translation.)"),
    "note added in the language": said("{0} {1}", NOTES),
    "in quotation marks": said("“{0}”"),
    "alternatives": said("{0} / {0}"),
    "alternative on a line": said("{0}\nor: {0}"),
}


def found(good: list[Pair], rng: random.Random) -> dict[str, object]:
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pair in good:
        target = LANGUAGES[pair.language]
        if len(pair.source) < 5 or failed_check(pair.source, pair.translated, target):
            continue
        for name, damage in DAMAGES.items():
            damaged = damage(pair, rng)
            if damaged is not None and damaged != pair.translated:
                reasons[name][failed_check(pair.source, damaged, target) or ""] += 1
    return {
        name: {
            "planted": reasons[name].total(),
            "found": percent(reasons[name].total() - reasons[name][""], reasons[name].total() or 1),
            "as": {reason: number for reason, number in reasons[name].most_common() if reason},
        }
        for name in DAMAGES
    }


def microseconds(good: list[Pair]) -> float:
    start = time.process_time()
    for pair in good:
        failed_check(pair.source, pair.translated, LANGUAGES[pair.language])
    return round(1e6 * (time.process_time() - start) / len(good), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with xquad/, alpaca/ and alpaca_zh/")
    parser.add_argument(
        "--messages", type=Path, help="folder with .mo files, such as that of an environment's packages"
    )
    parser.add_argument(
        "--damaged", type=int, default=300, help="pairs to damage, at most, of each language and origin"
    )
    arguments = parser.parse_args()
    good = [
        pair
        for pair in dict.fromkeys(pairs(arguments.data, arguments.messages))
        if pair.language in LANGUAGES.keys() - {"en"} and pair.source.strip() and pair.source != pair.translated
    ]
    groups = defaultdict(list)
    for pair in good:
        groups[pair.language, pair.origin].append(pair)
    rng = random.Random(0)
    sample = [p for group in groups.values() for p in rng.sample(group, min(arguments.damaged, len(group)))]
    origins = defaultdict(list)
    for pair in good:
        origins[pair.origin].append(pair)
    result = {
        "pairs": len(good),
        "false_rejections": false_rejections(good, lambda pair: f"{pair.language} {pair.origin}"),
        "by_length": false_rejections(good, length),
        "by_origin": false_rejections(good, lambda pair: pair.origin),
        "to_english": false_rejections(good, lambda pair: f"{pair.language} {pair.origin}", back=True),
        "found": found(sample, rng),
        "cpu_microseconds": {origin: microseconds(group) for origin, group in sorted(origins.items())},
    }
    print(json.dumps(result, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
