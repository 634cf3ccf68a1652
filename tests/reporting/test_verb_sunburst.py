"""The figure of verbs and objects: what is shown, how wide it is, and that no word becomes markup."""

import json
from html import unescape

import pandas as pd
import pytest

from okapi_kedro.reporting.verb_sunburst import describe_pairs, top_pairs, verb_sunburst

COUNTS = {
    ("write", "poem"): 5,
    ("write", "story"): 5,
    ("write", "letter"): 2,
    ("list", "animal"): 9,
    ("sort", "word"): 1,
    ("explain", ""): 20,
    ("", ""): 8,
}
EVIL = ["<b>x</b>", '<a href="https://a.b">', "</script>", "&lt;", "%{value}", "<br>", "a" * 300, "$x$", "写"]


def table(counts: dict[tuple[str, str], int]) -> pd.DataFrame:
    rows = [pair for pair, count in counts.items() for _ in range(count)]
    return pd.DataFrame(rows, columns=["verb", "object"], dtype="str")


def test_the_most_frequent_verbs_come_first_with_their_most_frequent_objects() -> None:
    pairs = top_pairs(table(COUNTS), 2, 2)
    assert pairs.to_dict("split")["data"] == [["write", "poem", 5], ["write", "story", 5], ["list", "animal", 9]]


def test_a_verb_counts_by_the_rows_in_which_it_has_an_object() -> None:
    assert "explain" not in set(top_pairs(table(COUNTS), 10, 4)["verb"])
    assert top_pairs(table(COUNTS), 1, 1)["verb"].tolist() == ["write"]


def test_the_order_of_rows_changes_nothing() -> None:
    shuffled = table(COUNTS).sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(top_pairs(shuffled, 3, 3), top_pairs(table(COUNTS), 3, 3))


def test_the_caption_names_the_parser_and_both_shares() -> None:
    verbs = table(COUNTS)
    caption = describe_pairs(verbs, top_pairs(verbs, 2, 2), "a fake parser")
    assert "The 2 most frequent root verbs" in caption
    assert "Parsed by a fake parser" in caption
    assert "22 of 50 instructions (44.0 %)" in caption
    assert caption.endswith("cover 19 (38.0 %).")


def test_sectors_are_as_wide_as_their_rows_and_verbs_as_wide_as_their_objects() -> None:
    sunburst = verb_sunburst(top_pairs(table(COUNTS), 2, 2), "caption").data[0]
    widths = dict(zip(sunburst.ids, sunburst.values, strict=True))
    assert widths == {"write/": 10, "list/": 9, "write/poem": 5, "write/story": 5, "list/animal": 9}
    assert list(sunburst.parents) == ["", "", "write/", "write/", "list/"]
    assert sunburst.branchvalues == "total"


def test_a_noun_that_two_verbs_share_is_a_sector_of_each() -> None:
    sunburst = verb_sunburst(top_pairs(table({("write", "list"): 2, ("list", "list"): 1}), 5, 5), "").data[0]
    assert len(set(sunburst.ids)) == 4


def test_objects_have_a_light_tone_of_their_verbs_colour_and_verbs_differ() -> None:
    pairs = top_pairs(table({(f"verb{number:02d}", "noun"): 1 for number in range(12)}), 12, 1)
    colours = verb_sunburst(pairs, "").data[0].marker.colors
    assert len(set(colours[:10])) == 10
    assert colours[0] == colours[10]
    assert not set(colours[:12]) & set(colours[12:])


@pytest.mark.parametrize("word", EVIL)
def test_a_word_that_looks_like_markup_is_drawn_as_text(word: str) -> None:
    figure = verb_sunburst(pd.DataFrame({"verb": [word], "object": [word], "rows": [1]}), word)
    for label in (*figure.data[0].labels, figure.layout.annotations[0].text):
        assert "<" not in label.replace("<br>", "") if len(word) < 100 else True
        assert unescape(label).replace("<br>", "")[:20] == word.replace("<br>", "")[:20]
    assert all(len(unescape(label)) <= 24 for label in figure.data[0].labels)


def test_a_tag_that_breaks_lines_is_escaped_too() -> None:
    figure = verb_sunburst(pd.DataFrame({"verb": ["<br>"], "object": ["<br>"], "rows": [1]}), "<br>")
    assert set(figure.data[0].labels) == {"&lt;br&gt;"}
    assert figure.layout.annotations[0].text == "&lt;br&gt;"


def test_a_long_caption_is_broken_into_lines_that_fit() -> None:
    lines = verb_sunburst(top_pairs(table(COUNTS), 2, 2), "word " * 80).layout.annotations[0].text.split("<br>")
    assert len(lines) > 3
    assert max(map(len, lines)) <= 100


def test_no_pair_at_all_makes_an_empty_figure() -> None:
    nothing = table({("", ""): 3})
    pairs = top_pairs(nothing, 10, 4)
    assert pairs.empty
    assert "0 of 3 instructions (0.0 %)" in describe_pairs(nothing, pairs, "rules")
    assert "0 of 0 instructions (0.0 %)" in describe_pairs(nothing[:0], pairs, "rules")
    assert json.loads(verb_sunburst(pairs, "").to_json())["data"][0]["type"] == "sunburst"
