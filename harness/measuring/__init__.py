"""Measuring on a device: deploy, run, schedule, statistics, verdict."""
