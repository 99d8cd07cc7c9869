// Tensors of runtimes that take and give plain memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace runner {

// float32, as all of these tensors are, in ExecuTorch's numbering, which reports use.
constexpr int kFloat32 = 6;

// A float32 tensor and its memory: aligned as these runtimes want it, and a little longer than asked for.
class Tensor {
 public:
  explicit Tensor(std::vector<int64_t> sizes);

  uint8_t* data() const { return memory_.get(); }
  size_t bytes() const { return numel() * sizeof(float); }

  const std::vector<int64_t>& sizes() const { return sizes_; }
  size_t numel() const;
  size_t nbytes() const { return bytes(); }
  int scalar_type() const { return kFloat32; }
  const void* const_data_ptr() const { return memory_.get(); }
  template <typename T>
  const T* const_data_ptr() const {
    return reinterpret_cast<const T*>(memory_.get());
  }

 private:
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };
  std::vector<int64_t> sizes_;
  std::unique_ptr<uint8_t, Free> memory_;
};

using Input = Tensor;

}  // namespace runner
