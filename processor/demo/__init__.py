"""The demo: the real processor on an embedded broker, against emulated vendors, with users and trouble made up."""
