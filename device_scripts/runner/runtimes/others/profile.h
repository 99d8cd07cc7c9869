// These runtimes do not say how long each operator took.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "failure.h"
#include "model.h"

namespace runner {

struct ProfiledOperator {
  std::string name;
  std::vector<int64_t> times_ns;
};

struct OperatorTracer {
  std::vector<ProfiledOperator> operators() const { return {}; }
};

MaybeFailure profile_operators(Model& model, size_t iterations, OperatorTracer& tracer);

}  // namespace runner
