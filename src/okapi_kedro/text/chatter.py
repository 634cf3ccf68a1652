"""Whether a translation holds what a teacher says of its own: announcements, refusals, notes, alternatives, keys.

What the source says itself may be translated, so each kind counts only where the source has nothing of the kind. The
words are those of the project's languages in one list for all, so that neither the language nor the direction matters;
a language without words here is heard in English only.
"""

import re

from okapi_kedro.languages import Language

_HEAD = 120
"""Characters in which an announcement stands; a refusal begins in the first third of them."""
_TRANSLATION = re.compile(
    r"translation|translated|übersetzung|traduc(?:tion|ción|ció|ere|erea)\b|traduzione|vertaling|oversættelse|"
    r"prijevod\b|prevod\b|preklad\b|перевод\b|переклад\b|превод\b|fordítás|terjemahan|bản dịch|翻译(?:如下|结果|"
    r"为|成|是|版)|译文|ترجمة|अनुवाद|भाषांतर|भाषान्तर|অনুবাদ|மொழிபெயர்ப்பு|అనువాద|ಅನುವಾದ|പരിഭാഷ|വിവർത്തന|തർജ്ജമ",
    re.IGNORECASE,
)
_TRANSLATING = re.compile(rf"translat|{_TRANSLATION.pattern}", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\b(?:sorry|apolog|unfortunately|i (?:cannot|can['’]?t|am (?:not able|unable)|won['’]t)|i['’]m (?:not able|"
    r"unable)|entschuldig|tut mir leid|leider|verzeih|désolé|excuse|pardon|malheureusement|lo siento|disculp|"
    r"lamento|lamentable|mi dispiace|scus|spiacent|purtroppo|het spijt|helaas|xin lỗi|rất tiếc|maaf|mohon maaf|"
    r"sayangnya|sajnál|elnézést|bocsánat|sajnos|îmi pare rău|scuze|ne pare rău|din păcate|beklager|undskyld|"
    r"desværre|ľutuj|prepáč|ospravedl|žiaľ|извин|к сожалению|прости(?:те)?\b|вибач|перепрош|на жаль|мені шкода|"
    r"ho sento|disculpeu|malauradament|жао ми|нажалост|опрост|žao mi|ispričav|nažalost|oprosti|क्षमा कर|क्षमा गर|"
    r"क्षमस्व|माफ|खेद|दुःखित|दिलगीर|দুঃখিত|ক্ষমা কর|মাফ কর|மன்னிக்|வருந்து|ക്ഷമിക്ക|ഖേദിക്കു|క్షమించ|ಕ್ಷಮಿಸ|"
    r"ವಿಷಾದಿ|آسف|أعتذر|عذر|المعذرة|للأسف)|抱歉|对不起|很遗憾|我(?:无法|不能)(?:提供|回答|协助|帮|翻译|完成|满足)|"
    r"\bas an? (?:ai|artificial|large language|language)\b|\b(?:ai|ki|ia)[- ](?:model|sprach|taal)|"
    r"\b(?:sprachmodell|taalmodel|nyelvi modell|sprogmodel|mod[eè]l\w* (?:de |di |d['’])?(?:lingu|lleng|lang|"
    r"limb))|язы[а-я]+ модел|мовна модель|језичк\w+ модел|jezičn\w+ model|jazykov\w+ model|mô hình ngôn ngữ|"
    r"model bahasa|语言模型|نموذج لغ|भाषा म[ॉो]डे?ल|ভাষা মডেল|மொழி மாதிரி|భాషా (?:నమూనా|మోడల్)|ಭಾಷಾ ಮಾದರಿ|"
    r"ഭാഷാ മോഡൽ",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    rf"{_REFUSAL.pattern}|regret|afraid|forgiv|mercy|condolence|sympath|\bpity|\bsad|oops|inconvenien|patien|"
    r"language model|excus",
    re.IGNORECASE,
)
"""A refusal in the source, and English that other languages may put in its words."""
_NOTE = re.compile(
    r"(?:^|\n|[(（\[【])[\s*_]{0,9}(?:translator['’]?s |translation )?(?:n\.?b\.?|notes?|hinweis|anmerkung|remarque|"
    r"nota|opmerking|noot|bemærk|bemærkning|catatan|lưu ý|ghi chú|chú thích|ملاحظة|ملحوظة|تنبيه|megjegyzés|notă|"
    r"poznámka|примечание|примітка|напомена|napomena|टिप्पणी|टिप्पणि|नोट|टीप|ध्यान दें|द्रष्टव्य|দ্রষ্টব্য|নোট|"
    r"টীকা|குறிப்பு|గమనిక|ಸೂಚನೆ|ಟಿಪ್ಪಣಿ|ಗಮನಿಸಿ|കുറിപ്പ്|译?注|注意|备注|注释)(?![a-z])[^\n:：]{0,20}[:：]",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"\b(?:notes?|n\.?b|remark|comment|caution|attention|remember|hint|tip|explanation)\b", re.IGNORECASE
)
_EAGER = re.compile(
    r"[\W_]*(?:sure|certainly|of course|absolutely|okay|here(?: is|['’]s| are)|below is)\b", re.IGNORECASE
)
_KEY = re.compile(
    r"[\s{\"'“`*]*(?:instruction|input|output|translation|translated text|response|answer|text|"
    r"question)s?[\"'”`*]*\s*[:：]",
    re.IGNORECASE,
)
_OPENING, _CLOSING = "\"'“‘«„「『`”", "\"'”’»“「』」`"
_QUOTE = re.compile(r"[\"“”„«»「」『』《》`]|(?<!\w)['‘]|['’](?!\w)")
_ALTERNATIVE = re.compile(
    r"[^\s«»\"“”]\s/\s[^\s«»\"“”]|(?:^|\n)[^\w\n]{0,9}(?:or|alternatively|alternative|option \d)[^\w\n]{0,9}[:：,]",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"/|\bor\b|\balternative|\boption|\n", re.IGNORECASE)


def is_chatter(source: str, translated: str, target: Language) -> bool:
    """Whether the teacher speaks in a translation beside what it translates.

    Args:
        source: the text that was translated.
        translated: its translation.
        target: the language of the translation.
    """
    return (
        _refuses(source, translated)
        or _announces(source, translated, target)
        or bool(_NOTE.search(translated) and not _NOTE.search(source) and not _REMARK.search(source))
        or bool(_ALTERNATIVE.search(translated) and not _CHOICE.search(source))
        or _is_quoted(source, translated)
    )


def _refuses(source: str, translated: str) -> bool:
    refusal = _REFUSAL.search(translated, 0, _HEAD)
    return bool(refusal and refusal.start() < _HEAD // 3 and not _REFUSES.search(source, 0, 2 * _HEAD))


def _announces(source: str, translated: str, target: Language) -> bool:
    """Whether the text opens with what it is: a translation, or the key or the language that it is under."""
    for opening in (_KEY, _EAGER) if target.code != "en" else ():
        if opening.match(translated) and not opening.match(source):
            return True
    label = _label(translated)
    if label.strip(" *_\"'([").lower().startswith(target.name.lower()) and target.name not in _label(source):
        return True
    return len(_TRANSLATION.findall(label)) > len(_TRANSLATING.findall(source[:_HEAD]))


def _label(text: str) -> str:
    """What stands before the first colon, when it is short."""
    return re.split("[:：]", text[:_HEAD], maxsplit=1)[0] if re.search("[:：]", text[:_HEAD]) else ""


def _is_quoted(source: str, translated: str) -> bool:
    """Whether quotation marks were put around the whole."""
    return _around(translated) and _quotes(translated) >= _quotes(source) + 2


def _around(text: str) -> bool:
    stripped = text.strip()
    return len(stripped) > 2 and stripped[0] in _OPENING and stripped[-1] in _CLOSING


def _quotes(text: str) -> int:
    return len(_QUOTE.findall(text))
