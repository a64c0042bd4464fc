"""Prompts as people edit them: lists, drafts that nobody sees until they are saved, forms of actions, dry runs."""
