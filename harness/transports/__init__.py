"""Ways of talking to a device."""
