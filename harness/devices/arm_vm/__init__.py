"""A whole ARM Linux machine under system QEMU."""
