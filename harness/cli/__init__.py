"""The commands, one file a group; the only place that prints or exits."""
