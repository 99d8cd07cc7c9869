// A lowered program, ready to run again and again in LiteRT.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "backend.h"
#include "failure.h"
#include "tensors.h"

namespace runner {

struct OperatorTracer;

class Model {
 public:
  // Maps the file and checks its structure.
  MaybeFailure load(const std::string& path);

  // Builds the interpreter, and gives XNNPACK, which packs the weights, what it takes.
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
  MaybeFailure bind(bool is_input, std::vector<Tensor>& tensors, void*& buffer);

  void* environment_ = nullptr;
  void* model_ = nullptr;
  void* compiled_ = nullptr;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
  void* input_ = nullptr;
  void* output_ = nullptr;
};

void capture_runtime_log();
std::string runtime_error();

}  // namespace runner
