#include "profile.h"

#include <executorch/runtime/platform/platform.h>

#include <cstring>

namespace runner {

using executorch::runtime::ChainID;
using executorch::runtime::DebugHandle;
using executorch::runtime::DelegateDebugIdType;
using executorch::runtime::DelegateDebugIntId;
using executorch::runtime::EventTracerEntry;

namespace {

// Generated wrappers call portable kernels by this prefix; other events enclose several operators.
constexpr const char* kKernelCall = "native_call_";
constexpr int64_t kIgnored = -1;

}  // namespace

EventTracerEntry OperatorTracer::begin(const char* name) {
  begun_.emplace_back(name == nullptr ? "" : name);
  return {static_cast<int64_t>(begun_.size()) - 1, 0, 0, executorch::runtime::pal_current_ticks(),
          DelegateDebugIdType::kNone};
}

void OperatorTracer::end(const EventTracerEntry& entry) {
  if (entry.event_id == kIgnored) {
    return;
  }
  keep(begun_[static_cast<size_t>(entry.event_id)], entry.start_time, executorch::runtime::pal_current_ticks());
  begun_.resize(static_cast<size_t>(entry.event_id));
}

EventTracerEntry OperatorTracer::start_profiling(const char* name, ChainID, DebugHandle) {
  if (name == nullptr || std::strncmp(name, kKernelCall, std::strlen(kKernelCall)) != 0) {
    return {kIgnored, 0, 0, 0, DelegateDebugIdType::kNone};
  }
  return begin(name + std::strlen(kKernelCall));
}

void OperatorTracer::end_profiling(EventTracerEntry entry) {
  end(entry);
}

EventTracerEntry OperatorTracer::start_profiling_delegate(const char* name, DelegateDebugIntId) {
  return begin(name);
}

void OperatorTracer::end_profiling_delegate(EventTracerEntry entry, const void*, size_t) {
  end(entry);
}

void OperatorTracer::log_profiling_delegate(const char* name, DelegateDebugIntId, et_timestamp_t start,
                                            et_timestamp_t end, const void*, size_t) {
  keep(name == nullptr ? "" : name, start, end);
}

void OperatorTracer::keep(const std::string& name, et_timestamp_t start, et_timestamp_t end) {
  const auto ratio = executorch::runtime::pal_ticks_to_ns_multiplier();
  if (next_ == operators_.size()) {
    operators_.push_back({name, {}});
  }
  operators_[next_++].times_ns.push_back(static_cast<int64_t>((end - start) * ratio.numerator / ratio.denominator));
}

MaybeFailure profile_operators(Model& model, size_t iterations, OperatorTracer& tracer) {
  tracer.forget();
  for (size_t i = 0; i < iterations; ++i) {
    if (model.inputs_are_overwritten()) {
      if (auto failure = model.feed_inputs()) return failure;
    }
    tracer.begin_inference();
    if (!model.execute()) {
      return Failure{ExitCode::kExecutionFailed, "the profiled inference failed: " + runtime_error()};
    }
  }
  return std::nullopt;
}

}  // namespace runner
