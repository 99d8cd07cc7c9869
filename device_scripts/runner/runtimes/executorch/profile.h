// Time per operator, as ExecuTorch and its delegates log it. Tracing costs time: it needs a separate pass.
#pragma once

#include <executorch/runtime/core/event_tracer.h>

#include <cstdint>
#include <string>
#include <vector>

#include "failure.h"
#include "model.h"

namespace runner {

struct ProfiledOperator {
  std::string name;
  std::vector<int64_t> times_ns;  // One for each profiled inference.
};

// Keeps the events of delegates' operators and of calls of portable kernels; nothing else.
class OperatorTracer final : public executorch::runtime::EventTracer {
 public:
  // Each inference runs the same operators in the same order.
  void begin_inference() { next_ = 0; }
  void forget() { operators_.clear(); }
  const std::vector<ProfiledOperator>& operators() const { return operators_; }

  executorch::runtime::EventTracerEntry start_profiling(const char* name, executorch::runtime::ChainID chain,
                                                        executorch::runtime::DebugHandle handle) override;
  void end_profiling(executorch::runtime::EventTracerEntry entry) override;
  executorch::runtime::EventTracerEntry start_profiling_delegate(
      const char* name, executorch::runtime::DelegateDebugIntId index) override;
  void end_profiling_delegate(executorch::runtime::EventTracerEntry entry, const void*, size_t) override;
  void log_profiling_delegate(const char* name, executorch::runtime::DelegateDebugIntId index, et_timestamp_t start,
                              et_timestamp_t end, const void*, size_t) override;

  // Values and allocations are not recorded.
  using Logged = executorch::runtime::Result<bool>;
  using Index = executorch::runtime::DelegateDebugIntId;
  using Tensor = executorch::aten::Tensor;
  void create_event_block(const char*) override {}
  void track_allocation(executorch::runtime::AllocatorID, size_t) override {}
  executorch::runtime::AllocatorID track_allocator(const char*) override { return 0; }
  Logged log_evalue(const executorch::runtime::EValue&, executorch::runtime::LoggedEValueType) override {
    return false;
  }
  Logged log_intermediate_output_delegate(const char*, Index, const Tensor&) override { return false; }
  Logged log_intermediate_output_delegate(const char*, Index, const executorch::runtime::ArrayRef<Tensor>) override {
    return false;
  }
  Logged log_intermediate_output_delegate(const char*, Index, const int&) override { return false; }
  Logged log_intermediate_output_delegate(const char*, Index, const bool&) override { return false; }
  Logged log_intermediate_output_delegate(const char*, Index, const double&) override { return false; }
  void set_delegation_intermediate_output_filter(executorch::runtime::EventTracerFilterBase*) override {}

 private:
  executorch::runtime::EventTracerEntry begin(const char* name);
  void end(const executorch::runtime::EventTracerEntry& entry);
  void keep(const std::string& name, et_timestamp_t start, et_timestamp_t end);

  std::vector<ProfiledOperator> operators_;
  size_t next_ = 0;
  std::vector<std::string> begun_;
};

// Runs the model `iterations` more times; the tracer must have been given to `Model::initialize`.
MaybeFailure profile_operators(Model& model, size_t iterations, OperatorTracer& tracer);

}  // namespace runner
