"""Two small connectors and a folder to write files into."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal

import pytest
from pydantic import SecretStr, field_validator, model_validator

from connectors.kit import (
    BatchLimits,
    Connector,
    Done,
    Item,
    Limits,
    Misconfigured,
    Params,
    Settings,
    Token,
    field,
    post,
    sign_with,
)
from processor.config.errors import ConfigErrors
from processor.config.files import load
from processor.config.model import Configuration


class ShopSettings(Settings):
    api_key: SecretStr = field("API key", min_length=3)
    region: Literal["eu", "us"] = field("Region", default="eu")
    named: dict[str, SecretStr] = field("Named keys", default={})
    base_url: str = field("API address", default="https://shop.example")

    @field_validator("api_key")
    @classmethod
    def _talks(cls, key: SecretStr) -> SecretStr:
        if key.get_secret_value().startswith("pk_"):
            raise ValueError(f"{key.get_secret_value()} is a public key")
        return key


class CouponParams(Params):
    coupon_id: str = field("Coupon")
    percent: int = field("Percent", default=20, ge=1, le=100)
    plan: str | None = field("Plan", default=None)

    @model_validator(mode="after")
    def _not_both(self) -> CouponParams:
        if self.plan == "free" and self.percent == 100:
            raise ValueError("a free plan takes no 100 % coupon")
        return self


def shop_signer(settings: ShopSettings) -> Any:
    if settings.region == "us":
        raise Misconfigured("bad_key", f"the key {settings.api_key.get_secret_value()} is not from the US")
    return sign_with(settings.base_url)


def shop_token(settings: ShopSettings, now: float) -> Any:
    if settings.api_key.get_secret_value() == "crooked":
        raise TypeError("crooked")
    yield post("/token")
    return Token("t", now)


def coupon(call):
    yield post("/coupon")
    return Done()


def make_shop() -> Connector:
    shop = Connector("shop", "Shop", "billing", ShopSettings, shop_signer, limits=Limits(5.0, 10, 20.0),
                     tokens={"": shop_token})
    shop.action("apply_coupon", "Apply a coupon", params=CouponParams)(coupon)
    shop.action("cancel", "Cancel")(coupon)
    return shop


class LensParams(Params):
    name: str = field("Name", default="event")


def make_lens() -> Connector:
    lens = Connector("lens", "Lens", "analytics", Settings, lambda _settings: sign_with("https://lens.example"),
                     addon=True)

    def send(settings: Any, items: Sequence[Item]) -> Any:
        yield post("/events")
        return [Done() for _ in items]

    def item(call: Any) -> Item:
        return Item(b"{}")

    limits = BatchLimits(10, 1000, 100)
    lens.export("track", "Track", item=item, limits=limits, params=LensParams)(send)
    lens.export("sync", "Sync", item=item, limits=limits, trigger="attributes")(send)
    return lens


KNOWN = {"shop": make_shop(), "lens": make_lens()}
ENVIRON = {"SHOP_KEY": "hunter22"}
GOOD = {
    "app.yaml": """
        title: Kiosk
        addons: [lens]
        duplicates_window: 12h
    """,
    "connectors.yaml": """
        shop:
          settings:
            api_key: env:SHOP_KEY
          limits: {rate: 2, timeout: 5s}
        lens:
          exports:
            track: {interactions: [accept, impression], prompts: [save_offer]}
            sync:
    """,
    "prompts.yaml": """
        save_offer:
          title: Stay
          accept:
            - action: shop.apply_coupon
              params: {coupon_id: STAY20}
              max_age: 3d
              on_error: continue
            - action: shop.apply_coupon
              params: {coupon_id: MORE}
              in_doubt: retry
            - action: shop.cancel
              id: the-end
              order: overtake
          decline:
            - action: shop.cancel
    """,
}


class Folder:
    """A config folder of one app, `kiosk`, with good files in which a test changes something."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.app = root / "apps" / "kiosk"
        self.environ = dict(ENVIRON)
        self.known = KNOWN
        for name, text in GOOD.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.app / name).read_text()
        assert text.count(old) >= 1, f"{old!r} is not in {name}"
        (self.app / name).write_text(text.replace(old, new, 1))

    def load(self, overrides: Any = None) -> Configuration:
        return load(self.root, self.environ, overrides, KNOWN)

    def errors(self) -> list[str]:
        """All mistakes as `file:line:column field: message (hint)`, files named inside the app's folder."""
        with pytest.raises(ConfigErrors) as caught:
            self.load()
        return [str(one).replace(f"{self.app}/", "") for one in caught.value.errors]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
