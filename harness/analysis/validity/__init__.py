"""Whether a cell's figures may be relied on, and why not."""
