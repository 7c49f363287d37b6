"""Real incidents that the demo can replay, each with its source and licence."""
