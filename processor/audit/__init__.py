"""The audit: who did what to letters, users and configuration, when, with what was before and after."""
