"""Accuracy of the artifact that was timed: data sets, weights, evaluation, training."""
