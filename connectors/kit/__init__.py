"""What a connector is written with: requests, actions, exports, failures, fields, credentials."""

from connectors.kit.action import Action, Done, Flow, FormInput, Repeat, Requires, all_of, any_of, instruct
from connectors.kit.connector import Account, CheckFlow, Connector, Limits, Option, OptionsFlow
from connectors.kit.errors import (
    Broken,
    Failure,
    InDoubt,
    Misconfigured,
    MissingAttributes,
    Rejected,
    Unavailable,
    Undecodable,
)
from connectors.kit.event import Call, Event, Value
from connectors.kit.export import BatchFlow, BatchLimits, Export, Item, ItemEnd, halved
from connectors.kit.fields import NoParams, Params, Settings, field
from connectors.kit.http import (
    Request,
    Response,
    Sign,
    SignContext,
    Signed,
    Step,
    Token,
    TokenFlow,
    delete,
    get,
    patch,
    post,
    put,
    segment,
    sign_with,
)
from connectors.kit.reading import failure, read_status, reader, retry_after

__all__ = [
    "Account", "Action", "BatchFlow", "BatchLimits", "Broken", "Call", "CheckFlow", "Connector", "Done", "Event",
    "Export", "Failure", "Flow", "FormInput", "InDoubt", "Item", "ItemEnd", "Limits", "Misconfigured",
    "MissingAttributes", "NoParams", "Option", "OptionsFlow", "Params", "Rejected", "Repeat", "Request", "Requires",
    "Response", "Settings", "Sign", "SignContext", "Signed", "Step", "Token", "TokenFlow", "Unavailable",
    "Undecodable", "Value", "all_of", "any_of", "delete", "failure", "field", "get", "halved", "instruct", "patch",
    "post", "put", "read_status", "reader", "retry_after", "segment", "sign_with",
]
