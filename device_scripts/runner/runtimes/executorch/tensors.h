// What a program is fed: memory for a tensor, and the tensor in it.
#pragma once

#include <executorch/runtime/core/exec_aten/exec_aten.h>
#include <executorch/runtime/executor/method_meta.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

namespace runner {

// Memory for tensors: aligned for any vector unit and a little longer than asked for.
class Buffer {
 public:
  explicit Buffer(size_t size);
  uint8_t* data() const { return memory_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };
  std::unique_ptr<uint8_t, Free> memory_;
  size_t size_;
};

// One tensor that a method takes, of the sizes that its program states: the upper bound where they are dynamic.
class Input {
 public:
  explicit Input(const executorch::runtime::TensorInfo& info);

  // False where the program's dim order is broken; the tensor cannot be used then.
  bool prepare();

  uint8_t* data() const { return buffer_.data(); }
  size_t bytes() const { return buffer_.size(); }
  executorch::aten::ScalarType type() const { return type_; }
  executorch::aten::Tensor tensor() { return executorch::aten::Tensor(&*tensor_); }

 private:
  Buffer buffer_;
  executorch::aten::ScalarType type_;
  std::vector<int32_t> sizes_;
  std::vector<uint8_t> dim_order_;
  std::vector<int32_t> strides_;
  std::optional<executorch::aten::TensorImpl> tensor_;
};

}  // namespace runner
