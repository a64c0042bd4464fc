import json

from processor.audit.record import FILE, Audited, actor, append


def test_who_acts_is_whom_one_names_else_the_user_of_the_system(monkeypatch):
    assert actor("olga").name == "olga"
    monkeypatch.setenv("LOGNAME", "ann")
    assert actor().name == "ann"
    assert actor().host


def test_without_a_topic_the_audit_is_lines_in_a_file(tmp_path):
    folder = tmp_path / "not" / "there" / "yet"
    for number in (1, 2):
        done = Audited("ann", "here", 5, "configured", "shop", f"shop@{number}", "", "why", {}, {"number": number})
        append(folder, done)
    lines = [json.loads(one) for one in (folder / FILE).read_text().splitlines()]
    assert [one["subject"] for one in lines] == ["shop@1", "shop@2"]
    assert lines[0]["after"] == {"number": 1}
