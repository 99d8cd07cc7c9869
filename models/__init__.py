"""The networks; they import torch only, nothing of the harness."""
