"""Analytics connectors, one file a vendor."""
