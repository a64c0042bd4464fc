"""Compiles the modules that every event goes through to C, beside their sources in a folder of its own."""
