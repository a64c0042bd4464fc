"""Connectors for the customer's own endpoints."""
