"""A local Slack, strict enough to trust; knows nothing of the bots that are tried on it."""

from sandbox.clock import Clock
from sandbox.driver import Channel, Person, Sandbox
from sandbox.screen import Dialog, Home, Reply, Shown
from sandbox.workspace import Refused

__all__ = ["Channel", "Clock", "Dialog", "Home", "Person", "Refused", "Reply", "Sandbox", "Shown"]
