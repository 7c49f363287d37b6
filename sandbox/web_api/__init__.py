"""The Web API: a module for each noun, each method one function."""

from sandbox.web_api import apps, chat, conversations, files, items, users, views
from sandbox.web_api.call import METHODS, answer

__all__ = ["METHODS", "answer", "apps", "chat", "conversations", "files", "items", "users", "views"]
