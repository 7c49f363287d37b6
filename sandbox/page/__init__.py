"""The workspace in a browser: a small Slack at a local address, on the same code that tests use."""

from sandbox.page.serving import Page
from sandbox.page.story import Story

__all__ = ["Page", "Story"]
