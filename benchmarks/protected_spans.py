"""Do damaged placeholders get caught, and clean translations through, over all of Stanford Alpaca and our hard rows?

    python benchmarks/protected_spans.py                         some minutes on one core
    python benchmarks/protected_spans.py --alpaca FILE --every 20

Prints one JSON object. No teacher is asked: a benign one puts other words, in the script of some language, for those of
the masked fields, moves inline pieces within their sentence and writes placeholders with other digits, blanks or
brackets; an adversarial one does one kind of damage to what the benign one wrote. Damage that leaves the restored text
as it was, such as a swap of two equal pieces, is none and not counted. `clean` is the share of benign answers that are
restored, `caught` that of damaged ones that are refused, both also by kind of piece and `caught` by kind of damage;
`exact` the share of rows that come back as they were when nothing is translated.
"""

import argparse
import json
import random
import re
import runpy
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from okapi_kedro.text.placeholders import DamagedPiecesError, Protected, protect_row, restore_row, to_translate

ROOT = Path(__file__).parents[1]
ALPACA = ROOT.parent / "shared" / "data" / "alpaca" / "alpaca_data.json"
HARD_ROWS = ROOT / "tests" / "text" / "hard_rows.py"
HARD_ROUNDS = 100

Fields = dict[str, str]
Damage = Callable[[Fields, str, dict[int, str], random.Random], tuple[Fields, list[int]] | None]
"""Of masked fields, one of them, and the pieces by number: the damaged fields and the pieces concerned, if it can."""

WORDS = {
    "LATIN": [
        "der",
        "kleine",
        "Hund",
        "läuft",
        "über",
        "die",
        "große",
        "Straße",
        "nach",
        "Hause",
        "über",
        "được",
        "người",
        "đã",
    ],
    "CYRILLIC": ["маленькая", "собака", "бежит", "через", "большую", "улицу", "домой", "и", "спит"],
    "ARABIC": ["يركض", "الكلب", "الصغير", "عبر", "الشارع", "الكبير", "إلى", "المنزل", "وينام"],
    "DEVANAGARI": ["सानो", "कुकुर", "ठूलो", "बाटो", "पार", "गरेर", "घर", "जान्छ", "र", "सुत्छ"],
    "TAMIL": ["சிறிய", "நாய்", "பெரிய", "தெருவைக்", "கடந்து", "வீட்டிற்கு", "ஓடுகிறது"],
    "CJK": ["小狗", "跑过", "大街", "回家", "睡觉", "然后", "醒来"],
}
DIGITS = ("0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "০১২৩৪৫৬৭৮৯", "௦௧௨௩௪௫௬௭௮௯", "０１２３４５６７８９")
FORMS = ("⟦{}⟧", "⟦ {} ⟧", "⟦{}\u00a0⟧", "⟦\u200f{}⟧", "〚{}〛", "[[{}]]", "［［{}］］")

PLACE = re.compile(r"⟦(\d+)⟧")
TOKEN = re.compile(r"⟦\d+⟧|[ \t]+|[^ \t⟦]+|⟦")
WORD = re.compile(r"[^\W\d_]+")


def numbers(text: str) -> list[int]:
    return [int(number) for number in PLACE.findall(text)]


def filled(fields: Fields, pieces: dict[int, str]) -> Fields:
    """What an unchecked restoration makes of an answer."""
    return {name: PLACE.sub(lambda match: pieces.get(int(match[1]), match[0]), text) for name, text in fields.items()}


def reworded(text: str, script: str, rng: random.Random) -> str:
    text = WORD.sub(lambda _: rng.choice(WORDS[script]), text)
    return re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff⟦])|(?<=⟧) (?=[\u4e00-\u9fff])", "", text)


def moved(line: str, fixed: set[int], rng: random.Random) -> str:
    """A line with one of its pieces, if it has one that may move, at another place between words of its sentence."""
    tokens = TOKEN.findall(line)
    movable = [
        place
        for place, token in enumerate(tokens)
        if PLACE.fullmatch(token) and int(token[1:-1]) not in fixed and 0 < place < len(tokens) - 1
        if tokens[place - 1].isspace() and tokens[place + 1].isspace()
    ]
    if not movable or line.strip() == tokens[movable[0]]:
        return line
    place = rng.choice(movable)
    piece = tokens[place]
    rest = tokens[:place] + tokens[place + 2 :]
    low, high = place, place
    while low > 1 and not _ends(rest[low - 1], fixed):
        low -= 1
    while high < len(rest) and not _ends(rest[high], fixed):
        high += 1
    spots = [spot for spot in range(low, high + 1) if spot and rest[spot - 1].isspace()]
    if not spots:
        return line
    spot = rng.choice(spots)
    return "".join([*rest[:spot], piece, " ", *rest[spot:]])


def _ends(token: str, fixed: set[int]) -> bool:
    """Whether a sentence or an element ends with a token, or markup that a piece may not cross stands in it."""
    place = PLACE.fullmatch(token)
    return int(place[1]) in fixed if place else bool(re.search(r"[^\w,'’]", token.strip())) if token.strip() else False


def benign(masked: Fields, fixed: set[int], rng: random.Random) -> Fields:
    script = rng.choice(sorted(WORDS))
    return {
        name: "\n".join(moved(reworded(line, script, rng), fixed, rng) for line in text.split("\n"))
        for name, text in masked.items()
    }


def varied(fields: Fields, rng: random.Random) -> Fields:
    digits = rng.choice(DIGITS)
    form = rng.choice(FORMS)

    def variant(match: re.Match[str]) -> str:
        return form.format(match[1].translate(str.maketrans(DIGITS[0], digits)))

    return {name: PLACE.sub(variant, text) for name, text in fields.items()}


def one_of(text: str, rng: random.Random) -> int | None:
    found = numbers(text)
    return rng.choice(found) if found else None


def replaced(form: str) -> Damage:
    """Puts something in the place of a placeholder: `{0}` is the placeholder, `{1}` its number."""

    def damage(
        fields: Fields, name: str, pieces: dict[int, str], rng: random.Random
    ) -> tuple[Fields, list[int]] | None:
        number = one_of(fields[name], rng)
        if number is None:
            return None
        mark = f"⟦{number}⟧"
        return {**fields, name: fields[name].replace(mark, form.format(mark, number))}, [number]

    return damage


def edited(fields: Fields, name: str, pieces: dict[int, str], rng: random.Random) -> tuple[Fields, list[int]] | None:
    number = one_of(fields[name], rng)
    if number is None:
        return None
    piece = WORD.sub(lambda _: rng.choice(WORDS["LATIN"]), pieces[number]) or "x"
    return {**fields, name: fields[name].replace(f"⟦{number}⟧", piece)}, [number]


def renumbered(
    fields: Fields, name: str, pieces: dict[int, str], rng: random.Random
) -> tuple[Fields, list[int]] | None:
    number = one_of(fields[name], rng)
    if number is None:
        return None
    other = rng.choice([other for other in range(max(pieces) + 3) if other != number])
    return {**fields, name: fields[name].replace(f"⟦{number}⟧", f"⟦{other}⟧")}, [number]


def swapped_fields(
    fields: Fields, name: str, pieces: dict[int, str], rng: random.Random
) -> tuple[Fields, list[int]] | None:
    """A piece goes to another field, or two pieces change their fields."""
    number = one_of(fields[name], rng)
    others = [other for other in fields if other != name]
    if number is None or not others:
        return None
    other = rng.choice(others)
    theirs = one_of(fields[other], rng)
    mark = f"⟦{number}⟧"
    if theirs is None or rng.random() < 0.5:
        there = f"{fields[other]} {mark}"
        return {**fields, name: fields[name].replace(mark, ""), other: there}, [number]
    changed = {name: fields[name].replace(mark, f"⟦{theirs}⟧"), other: fields[other].replace(f"⟦{theirs}⟧", mark)}
    return {**fields, **changed}, [number, theirs]


def swapped_lines(
    fields: Fields, name: str, pieces: dict[int, str], rng: random.Random
) -> tuple[Fields, list[int]] | None:
    """A piece goes to another line, or two pieces change their lines."""
    lines = fields[name].split("\n")
    number = one_of(fields[name], rng)
    own = next((place for place, line in enumerate(lines) if f"⟦{number}⟧" in line), None)
    others = [place for place, line in enumerate(lines) if place != own and line.strip()]
    if number is None or own is None or not others:
        return None
    other = rng.choice(others)
    theirs = one_of(lines[other], rng)
    mark = f"⟦{number}⟧"
    if theirs is None or rng.random() < 0.5:
        lines[own], lines[other] = lines[own].replace(mark, ""), f"{lines[other]} {mark}"
        return {**fields, name: "\n".join(lines)}, [number]
    lines[own], lines[other] = lines[own].replace(mark, f"⟦{theirs}⟧"), lines[other].replace(f"⟦{theirs}⟧", mark)
    return {**fields, name: "\n".join(lines)}, [number, theirs]


def alone(fields: Fields, name: str, rng: random.Random) -> tuple[list[str], int, int] | None:
    """The lines of a field, the place of one that is a piece alone, and its number."""
    lines = fields[name].split("\n")
    places = [place for place, line in enumerate(lines) if PLACE.fullmatch(line.strip())]
    if not places or len(lines) < 2:
        return None
    place = rng.choice(places)
    return lines, place, numbers(lines[place])[0]


def reindented(
    fields: Fields, name: str, pieces: dict[int, str], rng: random.Random
) -> tuple[Fields, list[int]] | None:
    if not (found := alone(fields, name, rng)):
        return None
    lines, place, number = found
    bare = lines[place].lstrip(" \t")
    lines[place] = rng.choice([indent + bare for indent in ("", "  ", "    ", "\t") if indent + bare != lines[place]])
    return {**fields, name: "\n".join(lines)}, [number]


def joined(fields: Fields, name: str, pieces: dict[int, str], rng: random.Random) -> tuple[Fields, list[int]] | None:
    """A line of a piece alone runs into its neighbour, or takes words."""
    if not (found := alone(fields, name, rng)):
        return None
    lines, place, number = found
    if place and rng.random() < 0.5:
        lines[place - 1 : place + 1] = [f"{lines[place - 1]} {lines[place].strip()}"]
    else:
        lines[place] += " слово"
    return {**fields, name: "\n".join(lines)}, [number]


def split(fields: Fields, name: str, pieces: dict[int, str], rng: random.Random) -> tuple[Fields, list[int]] | None:
    """A line breaks before a piece in its middle."""
    places = [match for match in PLACE.finditer(fields[name]) if fields[name][: match.start()].split("\n")[-1].strip()]
    if not places:
        return None
    match = rng.choice(places)
    text = fields[name]
    return {**fields, name: f"{text[: match.start()].rstrip()}\n{text[match.start() :]}"}, [int(match[1])]


def crossed(fields: Fields, name: str, pieces: dict[int, str], rng: random.Random) -> tuple[Fields, list[int]] | None:
    """The two ends of an element change places, or both stand before its text."""
    text = fields[name]
    pairs = [
        (first, second)
        for first, second in zip(numbers(text), numbers(text)[1:], strict=False)
        if re.search(rf"⟦{first}⟧[^⟦\n]*\w[^⟦\n]*⟦{second}⟧", text)
        if re.fullmatch(r"(?s).*<\w[^<]*>|!?\[", pieces[first])
        if re.match(r"</|\]\(", pieces[second])
    ]
    if not pairs:
        return None
    first, second = rng.choice(pairs)
    before, inside, after = re.split(rf"⟦{first}⟧|⟦{second}⟧", text)
    if rng.random() < 0.5:
        return {**fields, name: f"{before}⟦{second}⟧{inside}⟦{first}⟧{after}"}, [first, second]
    return {**fields, name: f"{before}⟦{first}⟧⟦{second}⟧{inside}{after}"}, [first, second]


def around(form: str) -> Damage:
    def damage(
        fields: Fields, name: str, pieces: dict[int, str], rng: random.Random
    ) -> tuple[Fields, list[int]] | None:
        return {**fields, name: form.format(fields[name])}, numbers(fields[name])[:1]

    return damage


DAMAGE: dict[str, Damage] = {
    "dropped": replaced(""),
    "dropped, number kept": replaced("{1}"),
    "repeated": replaced("{0} {0}"),
    "translated": edited,
    "renumbered": renumbered,
    "spelt out": replaced("⟦eins⟧"),
    "other brackets": replaced("[{1}]"),
    "broken": replaced("⟦{1}"),
    "turned": replaced("⟧{1}⟦"),
    "to another line": swapped_lines,
    "to another field": swapped_fields,
    "indented otherwise": reindented,
    "joined to a line": joined,
    "broken line": split,
    "ends crossed": crossed,
    "in backticks": replaced("`{0}`"),
    "in bold": replaced("**{0}**"),
    "in italics": replaced("_{0}_"),
    "in a tag": replaced("<b>{0}</b>"),
    "in brackets": replaced("[{0}]"),
    "in dollars": replaced("${0}$"),
    "in a fence of its own": replaced("```\n{0}\n```"),
    "field in a fence": around("```\n{0}\n```"),
    "field in tildes": around("~~~\n{0}\n~~~"),
    "field in backticks": around("`{0}`"),
    "placeholder invented": around("{0} ⟦0⟧"),
    "code added": around("{0} `x = 1`"),
    "address added": around("{0} https://added.example/x"),
}


def restored(row: dict[str, Protected], answer: Fields) -> str:
    """The reason why an answer is refused, or empty."""
    try:
        restore_row(row, answer)
    except DamagedPiecesError as damage:
        return str(damage).split(": ", 1)[1]
    return ""


class Figures:
    """Counts of good and all cases, by name."""

    def __init__(self) -> None:
        self.good: Counter[str] = Counter()
        self.all: Counter[str] = Counter()

    def add(self, name: str, good: bool) -> None:
        self.good[name] += good
        self.all[name] += 1

    def table(self) -> dict[str, dict[str, float]]:
        return {name: {"of": of, "share": round(self.good[name] / of, 5)} for name, of in sorted(self.all.items())}


def measure(rows: list[Fields], rng: random.Random) -> dict[str, object]:
    exact, clean, by_damage, by_kind, refused = Figures(), Figures(), Figures(), Figures(), Counter[str]()
    by_both: defaultdict[str, Figures] = defaultdict(Figures)
    missed: list[str] = []
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    pieces_found: Counter[str] = Counter()
    for place, fields in enumerate(rows):
        row = protect_row(fields)
        masked = to_translate(row)
        exact.add("rows", restore_row(row, masked) == fields)
        pieces = {field.first + n: piece for field in row.values() for n, piece in enumerate(field.pieces)}
        pieces_found.update(piece.kind for piece in pieces.values())
        fixed = {number for number, piece in pieces.items() if piece.marks or piece.kind == "tag"}
        texts = {number: piece.text for number, piece in pieces.items()}
        sent = {number for text in masked.values() for number in numbers(text)}
        answer = benign(masked, fixed, rng)
        reason = restored(row, varied(answer, rng))
        refused[reason] += bool(reason)
        for kind in {"all rows", *({"rows with pieces"} if sent else ()), *(pieces[number].kind for number in sent)}:
            clean.add(kind, not reason)
        if restored(row, answer):
            continue
        for name, damaged, concerned in damaged_answers(answer, texts, bool(sent), rng):
            if filled(damaged, texts) == filled(answer, texts):
                continue
            reason = restored(row, damaged)
            by_damage.add(name, bool(reason))
            reasons[name][reason] += 1
            for kind in {pieces[number].kind for number in concerned}:
                by_kind.add(kind, bool(reason))
                by_both[kind].add(name, bool(reason))
            if not reason:
                missed.append(f"row {place}: {name}")
    return {
        "rows": len(rows),
        "pieces": dict(pieces_found),
        "exact": exact.table(),
        "clean": clean.table(),
        "clean_refused": {reason: count for reason, count in refused.items() if reason},
        "caught": round(by_damage.good.total() / by_damage.all.total(), 6),
        "damaged": by_damage.all.total(),
        "caught_by_damage": by_damage.table(),
        "caught_by_kind": by_kind.table(),
        "caught_by_kind_and_damage": {kind: figures.table() for kind, figures in sorted(by_both.items())},
        "reasons": {name: dict(counts) for name, counts in reasons.items()},
        "missed": missed[:50],
    }


def damaged_answers(
    answer: Fields, texts: dict[int, str], with_pieces: bool, rng: random.Random
) -> Iterator[tuple[str, Fields, list[int]]]:
    """Every kind of damage to each field of a row with pieces, one kind to a row without."""
    if not answer:
        return
    names = list(DAMAGE) if with_pieces else [rng.choice([name for name in DAMAGE if name.startswith("field")])]
    for damage in names:
        for field in answer if with_pieces else [rng.choice(list(answer))]:
            if found := DAMAGE[damage](answer, field, texts, rng):
                yield damage, *found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alpaca", type=Path, default=ALPACA, help="alpaca_data.json of Stanford Alpaca")
    parser.add_argument("--every", type=int, default=1, help="use each n-th row only")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    hard = list(runpy.run_path(str(HARD_ROWS))["HARD_ROWS"])
    start = time.process_time()
    result: dict[str, object] = {"hard": measure(hard * HARD_ROUNDS, random.Random(arguments.seed))}
    if arguments.alpaca.exists():
        rows = json.loads(arguments.alpaca.read_text(encoding="utf-8"))[:: arguments.every]
        result["alpaca"] = measure(rows, random.Random(arguments.seed))
    else:
        print(f"{arguments.alpaca} is not there: only our own rows are measured", file=sys.stderr)
    print(json.dumps({**result, "cpu_seconds": round(time.process_time() - start, 1)}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
