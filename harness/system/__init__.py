"""This machine: paths, files, processes, locks and text."""
