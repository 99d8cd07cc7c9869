"""The variants most tests of lowering use: quick, and different in all that matters."""

from harness.records import Variant

SMALL = Variant(width=0.25, resolution_px=32, precision="fp32")
SMALL_FP16 = Variant(width=0.25, resolution_px=32, precision="fp16")
SMALL_INT8 = Variant(width=0.25, resolution_px=32, precision="int8", classes=1001, padding="tf_same")
