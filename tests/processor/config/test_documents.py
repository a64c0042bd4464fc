"""YAML is read by YAML 1.2's rules, with places; what could surprise or harm is refused."""

from processor.config.documents import Mark, parse, read


def errors(text):
    return [str(one) for one in parse(text, "f.yaml")[1]]


def test_values_and_keys_know_their_places():
    document, found = parse("a:\n  - b: 1\n    c: {d: x}\n", "f.yaml")
    assert found == []
    assert document.values["a", 0, "c", "d"] == Mark(3, 12)
    assert document.keys["a", 0, "c", "d"] == Mark(3, 9)
    assert document.mark(("a", 0, "missing")) == Mark(2, 5)


def test_only_true_and_false_are_truth_values_and_times_stay_texts():
    data = parse("[no, on, yes, true, 12:30, 2024-01-01, 007, 0x10, 1.5, ~, '1', 1e3, -4, =]", "f")[0].data
    assert data == ["no", "on", "yes", True, "12:30", "2024-01-01", 7, 16, 1.5, None, "1", 1000.0, -4, "="]


def test_names_are_texts_whatever_they_look_like():
    assert parse("404: a\nno: b\ntrue: c\n", "f")[0].data == {"404": "a", "no": "b", "true": "c"}


def test_a_name_given_twice_is_a_mistake_at_the_second_place():
    [error] = errors("a: 1\nb: 2\na: 3\n")
    assert error == "f.yaml:3:1 a: 'a' is given twice (first given in line 1; keep one of them)"


def test_aliases_stand_for_what_they_name_at_their_own_place():
    document = parse("a: &one [x]\nb: *one\n", "f")[0]
    assert document.data == {"a": ["x"], "b": ["x"]}


def test_an_alias_inside_itself_is_refused_and_does_not_hang():
    assert errors("a: &one [*one]\n")[0].endswith("an alias that contains itself")


def test_a_bomb_of_aliases_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "aliases counted out" in errors("\n".join(lines))[0]


def test_tags_are_refused():
    assert "tag '!!python/object/apply:os.system' is not allowed" in errors("a: !!python/object/apply:os.system [x]")[0]


def test_broken_yaml_is_named_with_its_line():
    assert errors("a: [1\nb: 2\n")[0].startswith("f.yaml:2:")


def test_control_characters_are_a_mistake_and_no_crash():
    assert errors("a: \x00b")


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path):
    path = tmp_path / "x.yaml"
    assert str(read(path)[1][0]).endswith("x.yaml: cannot be read: No such file or directory")
    path.write_bytes(b"\xff\xfe\x00")
    assert str(read(path)[1][0]).endswith("x.yaml: is no UTF-8 text")


def test_an_empty_file_has_no_data_and_no_mistakes():
    assert parse("# nothing\n", "f")[0].data is None
    assert errors("") == []
