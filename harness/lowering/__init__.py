"""Variant to artifact: precisions, export, the artifact cache."""
