"""A table of bindings into files or contents, each mistake with its line; and back."""

import pytest

from processor.config import bindings_csv
from processor.config.content import Compiler
from processor.config.errors import ConfigErrors
from processor.config.file_store import FileStore
from processor.config.importing import IMPORTED, contents_with, tables_of, text_from, write_into_files

HEAD = "app,prompt,interaction,connector,action,params,param:coupon_id,param:percent,on_error,max_age\n"
GOOD = HEAD + (
    'kiosk,welcome,accept,shop,apply_coupon,"{""coupon_id"": ""HI"", ""percent"": 5}",,,continue,3d\n'
    "\n"
    "kiosk,welcome,accept,shop,cancel,,,,,\n"
    "kiosk,welcome,decline,,shop.apply_coupon,,007,15,,\n"
)
WELCOME = {
    "accept": [{"action": "shop.apply_coupon", "params": {"coupon_id": "HI", "percent": 5}, "on_error": "continue",
                "max_age": "3d"}, {"action": "shop.cancel"}],
    "decline": [{"action": "shop.apply_coupon", "params": {"coupon_id": "007", "percent": 15}}],
}


@pytest.fixture
def compiler(folder):
    return Compiler(folder.environ, folder.root, known=folder.known)


@pytest.fixture
def content(compiler):
    return FileStore(compiler).current("kiosk").content


def errors_of(act):
    with pytest.raises(ConfigErrors) as caught:
        act()
    return [str(one) for one in caught.value.errors]


def test_lines_become_chains_in_their_order(compiler):
    assert tables_of(GOOD, "b.csv", compiler)["kiosk"].prompts == {"welcome": WELCOME}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_tables_of_spreadsheets_are_read_too(compiler, delimiter):
    text = "\ufeff" + delimiter.join(["app", "prompt", "interaction", "action"]) + "\r\n"
    text += delimiter.join(["kiosk", "welcome", "accept", "shop.cancel"]) + "\r\n"
    assert tables_of(text, "b.csv", compiler)["kiosk"].prompts == {"welcome": {"accept": [{"action": "shop.cancel"}]}}


@pytest.mark.parametrize(("text", "said"), [
    ("app,prompt,interaction,acton\n", ["b.csv:1:1 acton: unknown column 'acton' (did you mean 'action'?",
                                        "b.csv:1:1 action: the column 'action' is missing"]),
    ("app,prompt,interaction,action,app\n", ["b.csv:1:1 app: the column 'app' comes twice"]),
    ("app,prompt,interaction,action\nkiosk,,accept,x.y\n", ["b.csv:2:1 prompt: is empty"]),
    ("app,prompt,interaction,action\nkiosk,a,accept,cancel\n",
     ["b.csv:2:1 action: 'cancel' names no connector; write <connector>.<action>"]),
    ("app,prompt,interaction,action,params\nkiosk,a,accept,shop.cancel,{\n", ["b.csv:2:1 params: is no JSON"]),
    ("app,prompt,interaction,action,params\nkiosk,a,accept,shop.cancel,[]\n",
     ["b.csv:2:1 params: must be a JSON object"]),
    ('app,prompt,interaction,action\nkiosk,a,accept,"shop\n', ["b.csv:2:1: no valid CSV"]),
])
def test_lines_that_are_wrong_in_themselves_are_named(compiler, text, said):
    found = errors_of(lambda: tables_of(text, "b.csv", compiler))
    assert len(found) == len(said)
    assert all(one.startswith(start) for one, start in zip(found, said, strict=True)), found


def test_what_lines_mean_is_checked_with_the_app_and_every_mistake_names_its_line(compiler, content):
    text = HEAD + (
        "kiosk,welcome,accept,shop,apply_coupon,,A,120,,\n"
        "kiosk,welcome,acept,shop,cancel,,,,,\n"
        "kiosk,welcome,accept,shop,cancle,,,,,\n"
        'kiosk,welcome,accept,shop,apply_coupon,"{\n""percent"": 1\n}",,,maybe,soon\n'
        "booth,welcome,accept,shop,cancel,,,,,\n"
    )
    found = errors_of(lambda: contents_with(tables_of(text, "b.csv", compiler), "b.csv", {"kiosk": content}, compiler))
    assert [one.partition(" (")[0] for one in found] == [
        "b.csv:2:1 welcome.accept[0].params.percent: must be less than or equal to 100",
        "b.csv:3:1 welcome.acept: unknown interaction 'acept'",
        "b.csv:4:1 welcome.accept[1].action: unknown action 'shop.cancle'",
        ("b.csv:5:1 welcome.accept[2].max_age: no length of time; write a number with a unit: 500ms, 90s, 15m, 12h,"
         " 3d or 2w"),
        "b.csv:5:1 welcome.accept[2].on_error: 'maybe' is not allowed",
        "b.csv:5:1 welcome.accept[2].params.coupon_id: 'coupon_id' is missing",
        "b.csv:8:1 app: there is no app 'booth'",
    ]


def test_in_a_content_the_interactions_named_are_replaced_and_all_else_stays(compiler, content):
    text = "app,prompt,interaction,action\nkiosk,save_offer,accept,shop.cancel\n"
    made = contents_with(tables_of(text, "b.csv", compiler), "b.csv", {"kiosk": content}, compiler)["kiosk"]
    before = content["prompts"]["save_offer"]
    assert made["prompts"]["save_offer"] == {**before, "accept": [{"action": "shop.cancel"}]}
    assert (made["app"], made["connectors"]) == (content["app"], content["connectors"])


def test_into_files_it_writes_a_file_of_its_own_that_is_sound(folder, compiler):
    assert write_into_files(tables_of(GOOD, "b.csv", compiler), "b.csv", compiler) == [folder.app / IMPORTED]
    assert [one.id for one in folder.load().apps["kiosk"].chain("welcome", "accept")] == [
        "shop.apply_coupon", "shop.cancel"]
    more = "app,prompt,interaction,action\nkiosk,welcome,decline,shop.cancel\nkiosk,bye,accept,shop.cancel\n"
    write_into_files(tables_of(more, "b.csv", compiler), "b.csv", compiler)
    app = folder.load().apps["kiosk"]
    assert [one.action.id for one in app.chain("welcome", "decline")] == ["cancel"]
    assert len(app.chain("welcome", "accept")) == 2
    assert len(app.chain("bye", "accept")) == 1


def test_a_prompt_that_another_file_has_is_not_written_twice(folder, compiler):
    text = "app,prompt,interaction,action\nkiosk,save_offer,accept,shop.cancel\n"
    [said] = errors_of(lambda: write_into_files(tables_of(text, "b.csv", compiler), "b.csv", compiler))
    assert said.startswith("b.csv:2:1 save_offer: two prompts have the id 'save_offer' (the other is at ")
    assert not (folder.app / IMPORTED).exists()


def test_where_one_app_is_wrong_no_file_of_any_is_written(folder, compiler):
    text = GOOD + "booth,welcome,accept,shop,cancel,,,,,\n"
    assert errors_of(lambda: write_into_files(tables_of(text, "b.csv", compiler), "b.csv", compiler))
    assert not (folder.app / IMPORTED).exists()


def test_what_is_written_as_a_table_is_read_as_the_same_app(compiler, content):
    text = bindings_csv.write({"kiosk": content})
    bare = {**content, "prompts": {}}
    made = contents_with(tables_of(text, "b.csv", compiler), "b.csv", {"kiosk": bare}, compiler)["kiosk"]
    assert compiler.digest("kiosk", made) == compiler.digest("kiosk", content)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe")
    assert "is no UTF-8 text" in errors_of(lambda: text_from(tmp_path / "b.csv"))[0]
    assert "No such file" in errors_of(lambda: text_from(tmp_path / "c.csv"))[0]
