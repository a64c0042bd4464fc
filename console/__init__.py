"""The console: Settings > Actions, prompts, activity, dead letters, health and access, in a browser and as an API."""
