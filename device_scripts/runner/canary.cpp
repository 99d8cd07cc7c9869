#include "canary.h"

#include <algorithm>

#include "clock.h"

namespace runner {
namespace {

constexpr int kOperations = 250'000;  // About half a millisecond at 2 GHz.
// Some 15 ms in all, so that a governor that starts low has raised the clock.
constexpr int kRuns = 32;

int64_t time_chain(uint64_t& state) {
  const int64_t begin = now_ns();
  for (int i = 0; i < kOperations; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    asm volatile("" : "+r"(state));  // Neither unrolled into a closed form nor left out.
  }
  return now_ns() - begin;
}

}  // namespace

int64_t time_canary() {
  uint64_t state = 1;
  int64_t fastest = time_chain(state);
  for (int run = 1; run < kRuns; ++run) {
    fastest = std::min(fastest, time_chain(state));
  }
  return fastest;
}

}  // namespace runner
