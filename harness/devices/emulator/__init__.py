"""An ARM core under user-mode QEMU."""
