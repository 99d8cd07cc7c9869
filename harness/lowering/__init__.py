"""From a variant to its program: quantization, export, XNNPACK, and the cache of lowered artifacts."""
