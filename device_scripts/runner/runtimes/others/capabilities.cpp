#include "capabilities.h"

namespace runner {

// What a program needs is known to the runtime alone.
void list_capabilities() {}

}  // namespace runner
