"""The console in a real browser: served as its own process, looked at in every colour and width."""
