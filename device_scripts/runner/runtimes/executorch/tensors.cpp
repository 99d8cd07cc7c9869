#include "tensors.h"

#include <executorch/runtime/core/exec_aten/util/dim_order_util.h>

namespace runner {

using executorch::runtime::Error;

Buffer::Buffer(size_t size) : size_(size) {
  // XNNPACK may read up to XNN_EXTRA_BYTES (128) past the end of a tensor (xnnpack.h); it never uses what it read.
  constexpr size_t kAlignment = 64;
  constexpr size_t kReadableBeyond = 128;
  const size_t whole = (size + kReadableBeyond + kAlignment - 1) / kAlignment * kAlignment;
  memory_.reset(static_cast<uint8_t*>(std::aligned_alloc(kAlignment, whole)));
  if (memory_ == nullptr) {
    std::abort();  // Out of memory before anything was measured.
  }
}

Input::Input(const executorch::runtime::TensorInfo& info)
    : buffer_(info.nbytes()),
      type_(info.scalar_type()),
      sizes_(info.sizes().begin(), info.sizes().end()),
      dim_order_(info.dim_order().begin(), info.dim_order().end()),
      strides_(sizes_.size()) {}

bool Input::prepare() {
  if (dim_order_.size() != sizes_.size()) return false;
  const Error error =
      executorch::runtime::dim_order_to_stride(sizes_.data(), dim_order_.data(), sizes_.size(), strides_.data());
  if (error != Error::Ok) return false;
  tensor_.emplace(type_, static_cast<ssize_t>(sizes_.size()), sizes_.data(), buffer_.data(), dim_order_.data(),
                  strides_.data());
  return true;
}

}  // namespace runner
