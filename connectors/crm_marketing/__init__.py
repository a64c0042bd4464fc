"""CRM, marketing and support connectors, one file a vendor."""
