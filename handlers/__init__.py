"""The edge: Slack and the clock come in here."""
