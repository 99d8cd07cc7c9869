#include "measurement.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "canary.h"
#include "clock.h"
#include "files.h"
#include "schedule.h"

namespace runner {
namespace {

Failure execution_failed() {
  const std::string said = runtime_error();
  return {ExitCode::kExecutionFailed, "the inference failed" + (said.empty() ? "" : ": " + said)};
}

// The timed and counted part of an inference; returns whether it worked.
bool infer(Model& model, const Options& options) {
  const bool worked = model.execute();
  if constexpr (kBenchBuild) spin(options.slow_down_operations);
  return worked;
}

struct Timed {
  int64_t begin_ns;
  int64_t latency_ns;  // -1 when the inference failed.
};

// One inference, when it is due.
Timed time_inference(Model& model, const Options& options, Schedule& schedule) {
  if (model.inputs_are_overwritten() && model.feed_inputs()) {
    return {0, -1};
  }
  schedule.wait();
  const int64_t begin = now_ns();
  const bool worked = infer(model, options);
  const int64_t end = now_ns();
  schedule.advance(end);
  return {begin, worked ? end - begin : -1};
}

using CountsOrNone = std::optional<std::vector<uint64_t>>;

// Counts two events over each inference; a counter that is not available stays empty.
MaybeFailure count_pair(const Options& options, bool marked, Model& model, Counter& outer, Counter& inner,
                        CountsOrNone& outer_counts, CountsOrNone& inner_counts) {
  const size_t iterations = options.counted_iterations;
  Schedule schedule(options.period_ns);
  outer.enable();
  inner.enable();
  if (!outer.available() && !inner.available() && !marked) {
    return std::nullopt;
  }
  std::vector<uint64_t> outer_counted, inner_counted;
  outer_counted.reserve(iterations);
  inner_counted.reserve(iterations);
  for (size_t i = 0; i < iterations; ++i) {
    if (model.inputs_are_overwritten()) {
      if (auto failure = model.feed_inputs()) return failure;
    }
    schedule.wait();
    if (marked) mark_counted_begin();
    const uint64_t outer_before = outer.read();
    const uint64_t inner_before = inner.read();
    const bool worked = infer(model, options);
    inner_counted.push_back(inner.read() - inner_before);
    outer_counted.push_back(outer.read() - outer_before);
    if (marked) mark_counted_end();
    if (schedule.paced()) schedule.advance(now_ns());
    if (!worked) return execution_failed();
  }
  outer.disable();
  inner.disable();
  if (outer.available()) outer_counts = std::move(outer_counted);
  if (inner.available()) inner_counts = std::move(inner_counted);
  return std::nullopt;
}

// Back to back until the last planned second is over.
MaybeFailure sustain(const Options& options, Model& model, Sustained& sustained) {
  SecondSummary summary(options.sustain_seconds);
  Schedule back_to_back(0);
  Options fast = options;
  fast.slow_down_operations = 0;
  const int64_t planned_ns = static_cast<int64_t>(options.sustain_seconds) * 1'000'000'000;
  const int64_t slow_from_ns = static_cast<int64_t>(options.slow_down_from_second) * 1'000'000'000;
  sustained.began_uptime_ns = uptime_ns();
  const int64_t begin = now_ns();
  for (int64_t passed = 0; passed < planned_ns; passed = now_ns() - begin) {
    const auto [started, latency] = time_inference(model, passed < slow_from_ns ? fast : options, back_to_back);
    if (latency < 0) return execution_failed();
    summary.add(started - begin, latency);
  }
  sustained.seconds = summary.finish();
  return std::nullopt;
}

}  // namespace

MaybeFailure read_input(const std::string& path, Model& model) {
  const int64_t size = file_size(path);
  FILE* file = size < 0 ? nullptr : fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return Failure{ExitCode::kBadInput, "cannot read input " + path + ": " + std::strerror(errno)};
  }
  bool complete = static_cast<size_t>(size) == model.input_bytes();
  for (const Input& input : model.inputs()) {
    complete = complete && fread(input.data(), 1, input.bytes(), file) == input.bytes();
  }
  fclose(file);
  if (!complete) {
    return Failure{ExitCode::kBadInput, "input " + path + " holds " + std::to_string(size) +
                                            " bytes, the model takes " + std::to_string(model.input_bytes())};
  }
  return model.feed_inputs();
}

MaybeFailure measure_times(const Options& options, Model& model, Times& times) {
  times.warmup_ns.reserve(options.warmup_iterations);
  // Room for all samples, so that nothing is allocated while measuring. Pages that no sample reaches never become
  // resident, so this does not show in the memory figures.
  if (options.sustain_seconds == 0) times.latencies_ns.reserve(kMaxSamples);

  Schedule at_once(0);
  times.first_ns = time_inference(model, options, at_once).latency_ns;
  if (times.first_ns < 0) return execution_failed();
  if (options.period_ns > 0) times.starts_ns.emplace().reserve(kMaxSamples);
  Schedule schedule(options.period_ns);
  for (size_t i = 0; i < options.warmup_iterations; ++i) {
    const int64_t latency = time_inference(model, options, schedule).latency_ns;
    if (latency < 0) return execution_failed();
    times.warmup_ns.push_back(latency);
  }

  if (options.sustain_seconds > 0) return sustain(options, model, times.sustained.emplace());

  const auto min_ns = static_cast<int64_t>(options.min_seconds * 1e9);
  const auto max_ns = static_cast<int64_t>(options.max_seconds * 1e9);
  const int64_t begin = schedule.paced() ? schedule.due_ns() : now_ns();
  for (;;) {
    const auto [started, latency] = time_inference(model, options, schedule);
    if (latency < 0) return execution_failed();
    times.latencies_ns.push_back(latency);
    if (schedule.paced()) times.starts_ns->push_back(started - begin);
    const int64_t elapsed = now_ns() - begin;
    const bool enough = times.latencies_ns.size() >= options.min_iterations && elapsed >= min_ns;
    if (enough || elapsed >= max_ns || times.latencies_ns.size() == kMaxSamples) {
      return std::nullopt;
    }
  }
}

MaybeFailure count_events(const Options& options, Model& model, Counters& counters, Counts& counts) {
  auto& [instructions, cycles, cache_misses, branch_misses] = counters;
  const bool marked = options.mark_counted;
  if (auto failure = count_pair(options, marked, model, cycles, instructions, counts.cycles, counts.instructions)) {
    return failure;
  }
  if (auto failure =
          count_pair(options, false, model, cache_misses, branch_misses, counts.cache_misses, counts.branch_misses)) {
    return failure;
  }
  for (const Counter* counter : {&instructions, &cycles, &cache_misses, &branch_misses}) {
    if (!counter->available()) {
      counts.unavailable +=
          (counts.unavailable.empty() ? "" : "; ") + std::string(counter->name()) + ": " + counter->reason();
    }
  }
  return std::nullopt;
}

}  // namespace runner
