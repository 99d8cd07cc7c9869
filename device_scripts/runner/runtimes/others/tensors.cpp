#include "tensors.h"

#include <utility>

namespace runner {
namespace {

constexpr size_t kAlignment = 64;

}  // namespace

Tensor::Tensor(std::vector<int64_t> sizes) : sizes_(std::move(sizes)) {
  const size_t rounded = (bytes() + 2 * kAlignment - 1) / kAlignment * kAlignment;
  memory_.reset(static_cast<uint8_t*>(std::aligned_alloc(kAlignment, rounded)));
}

size_t Tensor::numel() const {
  size_t elements = 1;
  for (const int64_t size : sizes_) elements *= static_cast<size_t>(size);
  return elements;
}

}  // namespace runner
