"""The table, cell by cell: written once more by hand, so that a slip in the code cannot pass."""

import re
from pathlib import Path

import pytest

from processor.access import GRANTABLE, TABLE, Member, Permission, Role, allowed

# Company administrator, App administrator, App member, Read only
CELLS = {
    "see_settings": "x x x x",
    "change_settings": "x x - -",
    "set_secrets": "x x - -",
    "see_bindings": "x x x x",
    "change_bindings": "x x x -",
    "apply_configuration": "x x x -",
    "roll_back_configuration": "x x - -",
    "change_apps": "x - - -",
    "see_members": "x x - -",
    "change_members": "x x - -",
    "see_tokens": "x x - -",
    "change_tokens": "x x - -",
    "see_activity": "x x x x",
    "see_health": "x x x x",
    "see_dead_letters": "x x x x",
    "reveal_payloads": "x x - -",
    "replay": "x x - -",
    "close_dead_letters": "x x - -",
    "forget_users": "x x - -",
    "see_audit": "x x - -",
    "publish": "x x - -",
}
ROLES = ("company_administrator", "app_administrator", "app_member", "read_only")


@pytest.mark.parametrize(("permission", "role", "may"), [
    (permission, role, mark == "x") for permission, row in CELLS.items()
    for role, mark in zip(ROLES, row.split(), strict=True)
])
def test_each_cell_of_the_table(permission, role, may):
    place = "*" if role == "company_administrator" else "shop"
    member = Member(email="ada@acme.example", roles={place: role})
    assert allowed(member, Permission(permission), "shop") is may


def test_no_role_and_no_permission_is_left_out():
    assert set(CELLS) == set(map(str, Permission))
    assert set(ROLES) == set(map(str, Role)) == set(map(str, TABLE))


def test_what_can_be_given_alone_comes_with_no_role_below_the_administrators():
    assert GRANTABLE.isdisjoint(TABLE[Role.APP_MEMBER])


def test_roles_have_the_names_of_the_product():
    assert [role.label for role in Role] == ["Company administrator", "App administrator", "App member", "Read only"]


def test_the_page_has_the_table_of_today():
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|((?: (?:yes|) *\|){4})$", page, re.MULTILINE))
    told = {name: " ".join("x" if cell.strip() else "-" for cell in cells.split("|")[:4])
            for name, cells in rows.items()}
    assert told == CELLS
