"""All emulated vendors by the prefix under which they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from testkit.vendors.activecampaign import ActiveCampaign
from testkit.vendors.adm import Adm
from testkit.vendors.adobe_experience_platform import Adobe
from testkit.vendors.amazon_appstore_row import AmazonAppstore
from testkit.vendors.amplitude_row import Amplitude
from testkit.vendors.apns import Apns
from testkit.vendors.apple_app_store import AppStore
from testkit.vendors.bench import Bench
from testkit.vendors.braintree import Braintree
from testkit.vendors.braze import Braze
from testkit.vendors.chargify import Chargify
from testkit.vendors.cleeng import Cleeng
from testkit.vendors.custom_api import CustomApi
from testkit.vendors.evergent import Evergent
from testkit.vendors.fcm import Fcm
from testkit.vendors.freshdesk import Freshdesk
from testkit.vendors.generic import GENERIC, Generic
from testkit.vendors.google_analytics_row import GoogleAnalytics
from testkit.vendors.google_play import GooglePlay
from testkit.vendors.heap_row import Heap
from testkit.vendors.iterable import Iterable
from testkit.vendors.mixpanel import Mixpanel
from testkit.vendors.mparticle_row import MParticle
from testkit.vendors.naviga import Naviga
from testkit.vendors.piano import Piano
from testkit.vendors.recurly import Recurly
from testkit.vendors.roku import Roku
from testkit.vendors.salesforce_marketing_cloud import Salesforce
from testkit.vendors.sendgrid import SendGrid
from testkit.vendors.shopify import Shopify
from testkit.vendors.stripe import Stripe
from testkit.vendors.vendor import Vendor, World
from testkit.vendors.vindicia import Vindicia
from testkit.vendors.zendesk import Zendesk
from testkit.vendors.zuora import Zuora

IN_DEPTH: tuple[Callable[[World], Vendor], ...] = (
    Apns, Fcm, Adm,
    Bench, Stripe, Zendesk, SendGrid, Salesforce, Mixpanel, CustomApi,
    Chargify, Recurly,
    Braze, Iterable,
    Zuora,
    Freshdesk, ActiveCampaign, Naviga, Adobe,
    Heap, Amplitude, MParticle, GoogleAnalytics,
    Braintree,
    Shopify,
    Vindicia, Cleeng, Piano, Evergent,
    GooglePlay, AmazonAppstore, Roku,
    AppStore, lambda world: AppStore(world, "apple_app_store_sandbox"),
)


def vendors(world: World) -> Mapping[str, Vendor]:
    """Every emulator, made anew for one server."""
    made = [make(world) for make in IN_DEPTH]
    made.extend(Generic(world, row) for row in GENERIC)
    return {one.id: one for one in made}
