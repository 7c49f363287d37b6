"""Words and guides: what Seamark says and asks."""
