"""What Seamark knows and decides; knows nothing of Slack and has no clock of its own."""
