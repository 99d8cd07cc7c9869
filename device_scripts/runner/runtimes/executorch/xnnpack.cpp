#include "xnnpack.h"

namespace runner {

MaybeFailure choose_options(const Backend& backend, XnnpackOptions& chosen) {
  using executorch::runtime::Error;
  // The keys are those of ExecuTorch's backends/xnnpack/runtime/XNNPACKBackend.h, which its wheel does not hold.
  Error error = Error::Ok;
  if (backend.weight_cache) error = chosen.set_option("weight_cache_enabled", true);
  if (error == Error::Ok && !backend.packed_cache.empty()) {
    error = chosen.set_option("packed_cache_path", backend.packed_cache.c_str());
  }
  if (error == Error::Ok && backend.workspace_sharing_mode) {
    error = chosen.set_option("workspace_sharing_mode", *backend.workspace_sharing_mode);
  }
  if (error == Error::Ok) return std::nullopt;
  return Failure{ExitCode::kBadModel, "XNNPACK's options cannot be set"};
}

}  // namespace runner
