"""The control plane: connection tests and pick lists, one call after another, for a person who waits."""
