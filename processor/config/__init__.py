"""Configuration: files to checked, compiled values."""
