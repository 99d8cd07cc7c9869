"""Intervals, verdicts, comparison and choice: computed from records alone, no device needed."""
