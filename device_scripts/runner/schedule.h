// When each inference may start: back to back, or on an absolute schedule, which never drifts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "clock.h"

namespace runner {

// Slots are whole periods after the first one. An inference takes the first slot after the one before it that has not
// passed when that one ends: an inference that overruns costs the slots it covers, and moves no later one.
class Schedule {
 public:
  explicit Schedule(size_t period_ns) : period_ns_(static_cast<int64_t>(period_ns)), due_ns_(now_ns()) {}

  bool paced() const { return period_ns_ > 0; }
  // When the next inference is due.
  int64_t due_ns() const { return due_ns_; }
  void wait() const {
    if (paced()) sleep_until_ns(due_ns_);
  }
  // An inference ended at `end_ns`.
  void advance(int64_t end_ns) {
    if (!paced()) return;
    const int64_t passed_ns = end_ns - due_ns_;
    const int64_t slots = (passed_ns + period_ns_ - 1) / period_ns_;
    due_ns_ += (slots > 1 ? slots : 1) * period_ns_;
  }

 private:
  int64_t period_ns_;
  int64_t due_ns_;
};

}  // namespace runner
