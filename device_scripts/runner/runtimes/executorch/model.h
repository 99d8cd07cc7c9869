// A lowered program, ready to execute one of its methods again and again.
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
#include "tensors.h"

namespace runner {

class Model {
 public:
  // Maps the file and reads the program's structure; weights are not touched yet.
  MaybeFailure load(const std::string& path);

  // Plans memory and initializes the delegates, which pack the weights. A tracer gets every operator.
  MaybeFailure initialize(const std::string& method, const Backend& backend,
                          executorch::runtime::EventTracer* tracer = nullptr);

  // The tensors' elements in the program's own memory order. Write there, then call `feed_inputs`.
  const std::vector<Input>& inputs() const { return inputs_; }
  size_t input_bytes() const;

  // Hands the inputs to the program: by address, or as a copy where the program planned memory for one.
  MaybeFailure feed_inputs();

  // Such planned memory may be reused during execution: the inputs must then be fed before each one.
  bool inputs_are_overwritten() const { return inputs_are_overwritten_; }

  // The timed call: nothing of ours allocates or logs here.
  bool execute() { return method_->execute() == executorch::runtime::Error::Ok; }

  // The latest execution's.
  size_t outputs() const { return method_->outputs_size(); }
  const executorch::aten::Tensor& output(size_t index) const { return method_->get_output(index).toTensor(); }

  // Nothing if the program has one float32 input and one float32 output, as an image classifier has.
  MaybeFailure refuse_unless_plain() const;

 private:
  MaybeFailure plan_memory(const executorch::runtime::MethodMeta& meta);
  MaybeFailure prepare_inputs(const executorch::runtime::MethodMeta& meta);
  MaybeFailure prepare_outputs(const executorch::runtime::MethodMeta& meta);

  // In the order of dependence: the member destroyed last comes first.
  std::optional<executorch::extension::MmapDataLoader> loader_;
  std::optional<executorch::runtime::Program> program_;
  executorch::extension::MallocMemoryAllocator method_allocator_;
  executorch::extension::MallocMemoryAllocator temporary_allocator_;
  std::vector<Buffer> planned_;
  std::vector<executorch::runtime::Span<uint8_t>> planned_spans_;
  std::optional<executorch::runtime::HierarchicalAllocator> planned_allocator_;
  std::optional<executorch::runtime::MemoryManager> memory_;
  std::vector<Input> inputs_;
  std::vector<Buffer> unplanned_outputs_;
  bool inputs_are_overwritten_ = false;
  std::optional<executorch::runtime::Method> method_;
};

// ExecuTorch's latest error message, for the runner's own; its log is written nowhere else.
void capture_runtime_log();
std::string runtime_error();

}  // namespace runner
