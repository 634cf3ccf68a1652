"""Numbers that a text has without digits of their own: in words, in months, in decades, in Roman and Chinese numerals.

English and Chinese words are read, Roman numerals in any language, and of other languages the words that translators
write most often, by how they begin. Words are only read where digits are missing, so one too many does little.
"""

import re
import unicodedata
from collections.abc import Iterator

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {
    **{word: value for words in (_SMALL, _ORDINALS) for value, word in enumerate(words.split())},
    **{word: value for value, word in zip(range(20, 100, 10), _TENS.split(), strict=True)},
    **{f"{word[:-1]}ieth": value for value, word in zip(range(20, 100, 10), _TENS.split(), strict=True)},
    **{"once": 1, "twice": 2, "both": 2, "double": 2, "square": 2, "cubic": 3, "decade": 10, "dozen": 12},
}
_POWERS = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WORD = "|".join(sorted({*_VALUES, *_POWERS}, key=len, reverse=True))
_WORDS = re.compile(rf"\b(?:{_WORD})(?:[\s-]+(?:and[\s-]+)?(?:{_WORD}))*\b", re.IGNORECASE)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
"""Vietnamese numbers them from 2."""
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_ROMAN = re.compile(r"\b(?!I\b)[IVXL]{1,7}(?=e?\b|ème|è)")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}
_SIGN = "[〇零一二两三四五六七八九十百千万亿]"
# A 一 alone is mostly an article, except in an ordinal and as a label.
_CHINESE = re.compile(rf"{_SIGN}{{2,}}|[〇零二两三四五六七八九十百千]|(?<=第)一|一(?=[、.．:：)）]|$)", re.MULTILINE)
_CHINESE_VALUES = {**{digit: value for value, digit in enumerate("〇一二三四五六七八九")}, "零": 0, "两": 2}
_CHINESE_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
_GROUP = 1000
"""The least power that closes a group. Chinese has its groups at 万, but 千 before 万 is too rare to part them."""
_DECADE = re.compile(r"\b(\d\d)?([1-9]0)(?=['’]?s\b)")
_ORDINAL = re.compile(rf"({_MONTH}\s)?\b(\d{{1,4}})(?:st|nd|rd|th)\b(\s(?:of\s)?{_MONTH})?")
_UNIT = re.compile(r"\b[cdkm]?m([23])\b")
_STEMS = {
    1: "premi[eè]r primer prim[oaă] primul întâi erste eerste første prv[iýáéíeaou] перв перш прв[иоа] أول أولى "
    "पहल पहिल प्रथम প্রথম முதல మొదటి ಮೊದಲ ആദ്യ ഒന്നാ első pertama",
    2: "zwei beid deux deuxi seg[ou]nd second dos due doi doua două twee dua kedua hai nhì kett két másod to "
    "anden andet dv[aeo] druh дв[аеі] втор други[йх] اثن إثن ثان दो दूस द्वि दुई दुस দুই দ্বি দুটি இரு இரண்ட "
    "രണ്ട ഇരു రెండ ఇద్ద ಎರಡ ಇಬ್ಬ",
    3: "drei dritt troi tre tri tres trei terc terz drie derd ba tiga ketiga három harmad tred tře troj tret "
    "тр[еиоьё] ثلاث ثالث तीन तृती तिस তিন তৃতী மூன்ற മൂന്ന మూడ ముగ్గ ಮೂರ ಮೂವ",
    4: "vier quatr cuatr cuart quart quatt patru fire fjerde négy negyed empat keempat bốn чет[ыв]р чотир четвер "
    "четврт četr četir štyr štvrt أربع رابع चार चौथ চার চতুর্থ நான்க நாலு నాలుగ ನಾಲ್ಕ നാല",
    5: "fünf cinq cinc quint vijf fem femte öt ötöd lima kelima пят п['’]ят пет pet peti pät piat خمس خامس पाँच "
    "पांच पाच पञ्च পাঁচ পঞ্চম ஐந்த ఐద ಐದ അഞ്ച",
    6: "sechs six seis sext sest sei sesto zes zesde șase seks sjette hat hatod enam keenam sáu шест шіст šest "
    "ستة سادس छह छः छठ सहा ছয় ষষ্ঠ ஆறு ஆறா ఆరు ఆరవ ಆರು ಆರನೇ ആറ്",
    7: "sieb sept siete set sèptim sette settim zeven șapte syv syvende hét hete tujuh bảy сем[ьи] седьм сім "
    "сьом седам седм sedam sedem سبع سابع सात সাত সপ্তম ஏழ ఏడు ఏడవ ಏಳು ಏಳನೇ ഏഴ",
    8: "acht huit ocho octav vuit otto ottav opt otte ottende nyolc delapan tám восем восьм вісім осам osam osem "
    "ثمان ثامن आठ আট অষ্টম எட்ட ఎనిమ ಎಂಟ എട്ട",
    9: "neun neuf nueve noven nou nove negen nouă ni niende kilenc sembilan chín девят дев['’]ят девет devet "
    "deväť تسع تاسع नौ नऊ নয় নবম ஒன்பத తొమ్మి ಒಂಬತ್ ഒൻപ ഒമ്പ",
    10: "zehn dix diez décim dieci tien tiende zece ti tíz sepuluh mười десят десет deset desať عشر عاشر दस दश "
    "दहा দশ பத்த పది ಹತ್ತ പത്ത",
    20: "zwanz vingt veint venti twint douăzeci tyve húsz husz двадц двадес dvad عشرين عشرون बीस वीस বিশ",
    30: "dreiß trent treint dertig treizeci tred[ij]v harminc тридц тридес trid ثلاثين तीस ত্রিশ",
    40: "vierz quarant cuarent veertig patruzeci fyrre negyven сорок четрдесет četrdeset štyrid أربعين चालीस "
    "चाळीस চল্লিশ",
    50: "fünfz cinquant cincuent vijftig cincizeci halvtreds ötven п['’]?ятдес пятьдес педесет pedeset päťdes "
    "خمسين पचास पन्नास পঞ্চাশ",
    60: "sechz soixant sesent sessant seixant zestig șaizeci tress hatvan шестьдес шістдес шездесет šezdeset "
    "šesťdes ستين साठ ষাট",
    70: "siebz soixante-dix setent settant zeventig șaptezeci halvfjerds hetven семьдес сімдес седамдесет "
    "sedamdeset sedemdes سبعين सत्तर সত্তর",
    80: "achtz quatre-vingt ochent ottant vuitant tachtig optzeci firs nyolcvan восемьдес вісімдес осамдесет "
    "osamdeset osemdes ثمانين अस्सी ऐंशी আশি",
    90: "neunz novent nonant norant negentig nouăzeci halvfems kilencven девяност дев['’]яност деведесет "
    "devedeset deväťdes تسعين नब्बे नव्वद নব্বই",
}
"""How the words for a number begin in the project's languages but English and Chinese, the small ones and decades."""
_SHORT = 3
"""Letters of a Latin stem that is a word of its own."""


def _pattern(stems: str) -> re.Pattern[str]:
    words = (rf"{stem}\b" if stem.isascii() and len(stem) <= _SHORT else stem for stem in stems.split())
    return re.compile(rf"\b[وبلف]?(?:ال)?(?:{'|'.join(words)})", re.IGNORECASE)


_TRANSLATED = {value: _pattern(stems) for value, stems in _STEMS.items()}
_ARABIC_DUAL = re.compile(r"ت[يا]ن\b")


def spoken_numbers(text: str) -> Iterator[int]:
    """The numbers that a translation may write in digits although the text does not."""
    for match in _WORDS.finditer(text):
        words = re.findall(_WORD, match[0].lower())
        if len(words) > 1:
            yield from (_VALUES[word] for word in words if word in _VALUES)
        yield _value([(_VALUES.get(word, 0), _POWERS.get(word, 1)) for word in words])
    for match in _CHINESE.finditer(text):
        yield _value([(_CHINESE_VALUES.get(sign, 0), _CHINESE_POWERS.get(sign, 1)) for sign in match[0]])
    for match in _ROMAN.finditer(text):
        yield _roman(match[0])
    for match in re.finditer(rf"\b{_MONTH}(?!\w)", text):
        yield _MONTHS.index(match[0][:3]) + 1
    yield from (_DAYS.index(match[0]) + 2 for match in re.finditer("|".join(_DAYS), text))
    yield from (unicodedata.digit(sign) for sign in text if sign.isdigit() and not sign.isdecimal())


def translated_words(text: str) -> Iterator[int]:
    """The small numbers and tens that a text of any language but English and Chinese has in words."""
    for value, pattern in _TRANSLATED.items():
        yield from (value for _ in pattern.finditer(text))
    yield from (2 for _ in _ARABIC_DUAL.finditer(text))


def unread_numbers(text: str) -> Iterator[int]:
    """The numbers of a text that may be words that are not read: 16th, but not in a date, and the 2 of m2."""
    ordinals = (int(number) for before, number, after in _ORDINAL.findall(text) if not before and not after)
    yield from (number for number in ordinals if number > 10)
    yield from map(int, _UNIT.findall(text))


def decades(text: str) -> Iterator[tuple[int, int, int]]:
    """The decades of a text as they are written, their years and their century: 1970, 70 and 20 of 1970s."""
    for century, years in _DECADE.findall(text):
        yield int(century + years), int(years), int(century or 19) + 1


def _value(parts: list[tuple[int, int]]) -> int:
    """The value of units and powers of ten in their order: two, hundred, five, thousand is 205,000.

    Args:
        parts: the value of each word, and 1, or 0 and the power of ten that it is.
    """
    total = group = unit = 0
    for value, power in parts:
        if power == 1:
            unit += value
        elif power < _GROUP:
            group, unit = group + (unit or 1) * power, 0
        else:
            total, group, unit = total + (group + unit or 1) * power, 0, 0
    return total + group + unit


def _roman(numeral: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))
