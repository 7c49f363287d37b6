"""A local Slack, strict enough to trust; knows nothing of Seamark."""
