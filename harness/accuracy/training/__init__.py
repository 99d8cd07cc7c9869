"""Weights for a variant: from scratch, fine-tuned, or fine-tuned for int8."""
