// XNNPACK's options as ExecuTorch takes them.
#pragma once

#include <executorch/runtime/backend/options.h>

#include "backend.h"
#include "failure.h"

namespace runner {

using XnnpackOptions = executorch::runtime::BackendOptions<3>;

MaybeFailure choose_options(const Backend& backend, XnnpackOptions& chosen);

}  // namespace runner
