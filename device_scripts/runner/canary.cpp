#include "canary.h"

#include <algorithm>

#include "clock.h"

namespace runner {
namespace {

constexpr size_t kCanaryOperations = 250'000;  // About half a millisecond at 2 GHz.
// Some 15 ms in all, so that a governor that starts low has raised the clock.
constexpr int kRuns = 32;

int64_t time_chain() {
  const int64_t begin = now_ns();
  spin(kCanaryOperations);
  return now_ns() - begin;
}

}  // namespace

void spin(size_t operations) {
  uint64_t state = 1;
  for (size_t i = 0; i < operations; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    asm volatile("" : "+r"(state));  // Neither replaced by a closed form nor removed.
  }
}

int64_t time_canary() {
  int64_t fastest = time_chain();
  for (int run = 1; run < kRuns; ++run) {
    fastest = std::min(fastest, time_chain());
  }
  return fastest;
}

}  // namespace runner
