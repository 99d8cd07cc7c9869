"""Which MobileNetV1 to ship on a given ARM device: lower, push, measure, report."""
