"""The test kit: emulated vendors with state, checks and scripted faults, for tests, demo and benchmark."""
