"""Billing and in-app purchase connectors, one file a vendor."""
