#include "capabilities.h"

#include <executorch/runtime/backend/interface.h>
#include <executorch/runtime/kernel/operator_registry.h>

#include <cstdio>

namespace runner {

void list_capabilities() {
  for (const auto& kernel : executorch::runtime::get_registered_kernels()) {
    std::printf("operator %s\n", kernel.name_);
  }
  for (size_t i = 0; i < executorch::runtime::get_num_registered_backends(); ++i) {
    const auto name = executorch::runtime::get_backend_name(i);
    if (name.ok()) std::printf("backend %s\n", *name);
  }
}

}  // namespace runner
