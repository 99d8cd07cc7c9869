// A lowered program with one float32 input and a float32 output, ready to execute again and again.
#pragma once

#include <executorch/extension/data_loader/mmap_data_loader.h>
#include <executorch/extension/memory_allocator/malloc_memory_allocator.h>
#include <executorch/runtime/executor/program.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend.h"
#include "failure.h"

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

class Model {
 public:
  // Maps the file and reads the program's structure; weights are not touched yet.
  MaybeFailure load(const std::string& path);

  // Plans memory and initializes the delegates, which pack the weights. A tracer gets every operator.
  MaybeFailure initialize(const Backend& backend, executorch::runtime::EventTracer* tracer = nullptr);

  // One tensor's elements in the program's own memory order. Write here, then call `feed_input`.
  float* input() { return reinterpret_cast<float*>(input_->data()); }
  size_t input_bytes() const { return input_->size(); }

  // Hands the input to the program: by address, or as a copy where the program planned memory for it.
  MaybeFailure feed_input();

  // Such planned memory may be reused during execution: the input must then be fed before each one.
  bool input_is_overwritten() const { return input_is_planned_; }

  // The timed call: nothing of ours allocates or logs here.
  bool execute() { return method_->execute() == executorch::runtime::Error::Ok; }

  // The first output of the latest execution.
  const float* output() const;
  size_t output_elements() const;
  std::vector<int32_t> output_sizes() const;

 private:
  MaybeFailure plan_memory(const executorch::runtime::MethodMeta& meta);
  MaybeFailure prepare_input(const executorch::runtime::MethodMeta& meta);
  MaybeFailure prepare_output(const executorch::runtime::MethodMeta& meta);
  const executorch::aten::Tensor& output_tensor() const;

  // In the order of dependence: the member destroyed last comes first.
  std::optional<executorch::extension::MmapDataLoader> loader_;
  std::optional<executorch::runtime::Program> program_;
  executorch::extension::MallocMemoryAllocator method_allocator_;
  executorch::extension::MallocMemoryAllocator temporary_allocator_;
  std::vector<Buffer> planned_;
  std::vector<executorch::runtime::Span<uint8_t>> planned_spans_;
  std::optional<executorch::runtime::HierarchicalAllocator> planned_allocator_;
  std::optional<executorch::runtime::MemoryManager> memory_;
  std::optional<Buffer> input_;
  std::optional<Buffer> unplanned_output_;
  bool input_is_planned_ = false;
  std::vector<int32_t> input_sizes_;
  std::vector<uint8_t> input_dim_order_;
  std::vector<int32_t> input_strides_;
  std::optional<executorch::aten::TensorImpl> input_tensor_;
  std::optional<executorch::runtime::Method> method_;
};

// ExecuTorch's latest error message, for the runner's own; its log is written nowhere else.
void capture_runtime_log();
std::string runtime_error();

}  // namespace runner
