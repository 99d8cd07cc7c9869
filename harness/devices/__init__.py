"""What can be measured on, one file a kind."""
