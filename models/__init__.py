"""The networks; torch only, nothing of the harness."""
