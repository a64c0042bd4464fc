"""schemathesis over the OpenAPI description: whatever it says may be sent is answered, and as it says."""

import contextlib

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from connectors.kit.errors import Unavailable
from console import table
from console.app import ABOUT
from console.routes import ROUTES
from processor.access import Role

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
TRIES = 5


def described():
    """The description alone: it follows from the table of routes."""
    app = FastAPI(title="t", version="1", description=ABOUT, openapi_url=None)
    table.install(app, ROUTES)
    return app.openapi()


SCHEMA = schemathesis.openapi.from_dict(described())
OPERATIONS = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}


@contextlib.contextmanager
def no_vendor():
    def dial(_used):
        raise Unavailable("no_network", "there is no vendor in this test")

    yield dial


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_call_is_answered_as_the_description_says(make_stand, name):
    stand = make_stand(dialling=no_vendor)
    program = stand.program(Role.COMPANY_ADMINISTRATOR)

    @given(case=OPERATIONS[name].as_strategy())
    @settings(max_examples=TRIES, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
              database=None, suppress_health_check=list(HealthCheck))
    def check(case):
        stand.begin_anew()
        for part, value in {"app": "shop", "connector": "stripe"}.items():
            if part in (case.path_parameters or {}):
                case.path_parameters[part] = value
        sent = {name: value for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
        case.headers = sent
        answer = case.call(app=stand.app, headers={"Authorization": program.headers["Authorization"]})
        case.validate_response(answer, checks=CHECKS)

    check()
