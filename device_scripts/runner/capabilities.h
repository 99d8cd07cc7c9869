// What this runner can execute.
#pragma once

namespace runner {

// On stdout, a line each: `operator aten::add.out` for each kernel, `backend XnnpackBackend` for each delegate.
void list_capabilities();

}  // namespace runner
