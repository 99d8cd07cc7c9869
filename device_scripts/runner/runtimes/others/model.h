// A lowered program of a runtime that takes and gives plain memory: one float32 input and one output of fixed sizes.
// Each of these runtimes defines `Model::State` and what is declared without a body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend.h"
#include "failure.h"
#include "tensors.h"

namespace runner {

struct OperatorTracer;

class Model {
 public:
  Model();
  ~Model();

  // Opens the file; what is read of it now is the runtime's choice.
  MaybeFailure load(const std::string& path);

  // Builds what executes the program, and packs its weights. These runtimes take no options of XNNPACK.
  MaybeFailure initialize(const std::string& method, const Backend& backend, OperatorTracer* tracer = nullptr);

  const std::vector<Input>& inputs() const { return inputs_; }
  size_t input_bytes() const { return inputs_[0].bytes(); }
  MaybeFailure feed_inputs() { return std::nullopt; }
  bool inputs_are_overwritten() const { return false; }
  bool execute();
  size_t outputs() const { return outputs_.size(); }
  const Tensor& output(size_t index) const { return outputs_[index]; }
  MaybeFailure refuse_unless_plain() const { return std::nullopt; }

 private:
  struct State;

  // Makes memory for the input or the output and hands it to the runtime.
  MaybeFailure bind(bool is_input);
  // The memory of a tensor of these sizes, which must be fixed; `what` is for messages.
  MaybeFailure add_tensor(std::vector<Tensor>& tensors, std::vector<int64_t> sizes, const std::string& what);

  std::unique_ptr<State> state_;
  std::vector<Input> inputs_;
  std::vector<Tensor> outputs_;
};

// The number of threads of `set_threads`: these runtimes are told it with the program.
int wanted_threads();

Failure bad_model(const std::string& message);
// Nothing if the file can be opened.
MaybeFailure refuse_unreadable(const std::string& path);

void capture_runtime_log();
std::string runtime_error();

}  // namespace runner
