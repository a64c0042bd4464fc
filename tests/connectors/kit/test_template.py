"""Templates: the grammar, its collisions with percent-encoding, and values that must not be sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kit import MissingAttributes, Rejected
from connectors.kit.template import (
    MAX_HEADER,
    MAX_VALUE,
    Placeholder,
    Template,
    as_text,
    header_value,
    path_value,
    query_value,
    sound,
)


def rendered(text, **values):
    return Template.parse(text).render(values.__getitem__)


@pytest.mark.parametrize(("text", "result"), [
    ("", ""), ("plain", "plain"), ("%plan%", "gold"), ("a%plan%b", "agoldb"), ("%plan%%plan%", "goldgold"),
    ("100 % sure, 50% off", "100 % sure, 50% off"), ("%", "%"), ("%%", "%"), ("%%plan%%", "%plan%"),
    ("%20", "%20"), ("a%20%plan%", "a%20gold"), ("%E4%plan%", "%E4gold"), ("%e4%", "%e4%"), ("%C3%A9", "%C3%A9"),
    ("%%DFx%%20", "%DFx%20"), ("%plan", "%plan"), ("%pl an%", "%pl an%"), ("%1a_b%", "%1a_b%"),
])
def test_text_is_read_as_the_grammar_says(text, result):
    assert rendered(text, plan="gold") == result


@pytest.mark.parametrize(("text", "hint"), [("%DFx%20", "%%DFx%%20"), ("/a%ACme%C3%A9", "%%ACme%%C3")])
def test_what_may_be_percent_encoding_or_a_placeholder_is_refused_with_a_hint(text, hint):
    with pytest.raises(ValueError, match="percent-encoding") as error:
        Template.parse(text)
    assert hint in str(error.value)


def test_a_name_that_is_known_is_no_ambiguity():
    assert Template.parse("%DFx%20", known={"DFx"}).names == ("DFx",)


@pytest.mark.parametrize(("text", "hint"), [("%plam%", "did you mean '%plan%'?"), ("%zzz%", "write '%%zzz%%'")])
def test_an_unknown_name_is_refused_with_the_nearest_one(text, hint):
    with pytest.raises(ValueError, match="no known placeholder") as error:
        Template.parse(text, known={"plan"})
    assert hint in str(error.value)


def test_characters_that_are_kept_for_marks_cannot_be_written():
    with pytest.raises(ValueError, match="internal use"):
        Template.parse("a\ufdd0b")


def test_names_are_listed_once_in_order():
    assert Template.parse("%b%-%a%-%b%").names == ("b", "a")


def test_values_are_never_read_again():
    assert rendered("%a%%b%", a="%b%", b="%%provider.key%") == "%b%%%provider.key%"


@settings(deadline=None)
@given(st.text(), st.text())
def test_whatever_is_put_in_stands_there_as_it_is(before, value):
    text = before.replace("%", "%%").replace("\ufdd0", "").replace("\ufdd1", "")
    assert rendered(f"{text}%name%", name=value) == text.replace("%%", "%") + value


@settings(deadline=None)
@given(st.text())
def test_any_text_is_parsed_or_refused_and_never_lost(text):
    try:
        template = Template.parse(text)
    except ValueError:
        return
    again = "".join(f"%{part.name}%" if isinstance(part, Placeholder) else part for part in template.parts)
    assert again == text.replace("%%", "%") or "%%" in text


def test_a_missing_value_is_named():
    with pytest.raises(MissingAttributes) as missing:
        rendered("%plan%")
    assert missing.value.names == ("plan",)


@pytest.mark.parametrize("value", [True, 3, 2.5, None, "text", ["a", "b"]])
def test_a_template_that_is_one_placeholder_keeps_the_type(value):
    assert Template.parse("%v%").value({"v": value}.__getitem__) == value


def test_mixed_text_is_text():
    assert Template.parse("n=%v%").value({"v": 3}.__getitem__) == "n=3"


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (None, ""), (3, "3"), (["a", "b"], "a,b"), ("x", "x")])
def test_values_as_text(value, text):
    assert as_text(value) == text


def test_a_bound_placeholder_is_text_that_is_not_read_again():
    template = Template.parse("Bearer %provider.key%").bound({"provider.key": "%plan%"})
    assert (template.names, template.render({}.__getitem__)) == ((), "Bearer %plan%")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "x" * (MAX_VALUE + 1), "a\ufdd0", ["\ufdd1"]])
def test_values_that_no_request_should_carry_are_refused_without_being_repeated(value):
    with pytest.raises(Rejected) as refused:
        sound("plan", value)
    assert refused.value.code == "invalid_value"
    assert "%plan%" in refused.value.message
    assert "x" * 100 not in refused.value.message


def test_lone_surrogates_are_dropped():
    assert sound("v", "a\ud800b") == "ab"
    assert sound("v", ["\udfff", "é"]) == ["", "é"]


@pytest.mark.parametrize("value", ["", ".", "..", "../x", "a/..", "a/./b", "..\\x", "a\nb", "\x00", "a\x85"])
def test_a_path_cannot_be_climbed_emptied_or_broken(value):
    with pytest.raises(Rejected):
        path_value("v", value)


@pytest.mark.parametrize(("value", "quoted"), [("a/b", "a%2Fb"), ("...", "..."), ("?#%", "%3F%23%25"), ("é", "%C3%A9")])
def test_a_path_segment_is_percent_encoded(value, quoted):
    assert path_value("v", value) == quoted


def test_a_query_value_is_percent_encoded():
    assert query_value("v", "a=1&b +/é") == "a%3D1%26b%20%2B%2F%C3%A9"


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\n", "\x00", "é", "\t", "\x7f", "x" * (MAX_HEADER + 1)])
def test_a_header_is_visible_ascii_on_one_line(value):
    with pytest.raises(Rejected):
        header_value("v", value)


def test_a_header_value_is_left_as_it_is():
    assert header_value("v", 'a "b"; c=%20') == 'a "b"; c=%20'
