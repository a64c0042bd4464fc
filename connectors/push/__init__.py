"""Push notification connectors, one file a vendor."""
