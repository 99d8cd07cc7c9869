#include "sustain.h"

#include <algorithm>
#include <utility>

namespace runner {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

// The smallest value that at least this share of the values, in percent, does not exceed. Changes their order.
int64_t percentile(std::vector<int64_t>& values, size_t percent) {
  const size_t rank = (values.size() * percent + 99) / 100;
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank == 0 ? 0 : rank - 1);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace

SecondSummary::SecondSummary(size_t seconds, size_t most_kept) : planned_(seconds), most_kept_(most_kept) {
  seconds_.reserve(seconds);
  kept_.reserve(most_kept);
}

void SecondSummary::add(int64_t began_ns, int64_t latency_ns) {
  const auto second = static_cast<size_t>(began_ns / kSecondNs);
  while (seconds_.size() < second && seconds_.size() < planned_) close_second();
  if (second >= planned_) return;
  open_.max_ns = std::max(open_.max_ns, latency_ns);
  if (open_.inferences++ % stride_ == 0) keep(latency_ns);
}

void SecondSummary::keep(int64_t latency_ns) {
  if (kept_.size() == most_kept_) {
    // Every second one is left: the first, the third, ... of those kept, as if the stride had been double before.
    for (size_t i = 0; 2 * i < kept_.size(); ++i) kept_[i] = kept_[2 * i];
    kept_.resize((kept_.size() + 1) / 2);
    stride_ *= 2;
    if ((open_.inferences - 1) % stride_ != 0) return;
  }
  kept_.push_back(latency_ns);
}

void SecondSummary::close_second() {
  if (!kept_.empty()) {
    open_.median_ns = percentile(kept_, 50);
    open_.p90_ns = percentile(kept_, 90);
  }
  seconds_.push_back(open_);
  open_ = Second{};
  kept_.clear();
  stride_ = 1;
}

std::vector<Second> SecondSummary::finish() {
  while (seconds_.size() < planned_) close_second();
  return std::move(seconds_);
}

}  // namespace runner
