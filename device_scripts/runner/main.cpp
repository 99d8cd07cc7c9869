// Runs one lowered model on this device: times it, or evaluates a batch of inputs. See options.h.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "batch.h"
#include "canary.h"
#include "capabilities.h"
#include "clock.h"
#include "cold.h"
#include "counters.h"
#include "measurement.h"
#include "model.h"
#include "options.h"
#include "process.h"
#include "profile.h"
#include "report.h"
#include "scheduling.h"
#include "threads.h"

namespace runner {
namespace {

MaybeFailure prepare_threads(const Options& options) {
  if (!options.cpus.empty()) {
    if (auto failure = pin_to_cpus(options.cpus)) return failure;
  }
  return set_threads(options.threads);
}

// Counts the instructions of the initialization, which packs the weights, with `instructions` where it can count.
MaybeFailure initialize_counted(const Options& options, Model& model, Report& report, Counter& instructions,
                                OperatorTracer* tracer) {
  if (options.mark_counted) mark_counted_begin();
  instructions.enable();
  const uint64_t before = instructions.read();
  const int64_t begin = now_ns();
  MaybeFailure failure = model.initialize(options.method, options.backend, tracer);
  report.init_ns = now_ns() - begin;
  const uint64_t after = instructions.read();
  instructions.disable();
  if (options.mark_counted) mark_counted_end();
  if (instructions.available()) report.init_instructions = after - before;
  return failure;
}

MaybeFailure load_model(const Options& options, Model& model, Report& report, Counter& instructions,
                        OperatorTracer* tracer = nullptr) {
  report.rss_start_bytes = status_bytes("VmRSS");
  const int64_t begin = now_ns();
  if (auto failure = model.load(options.model)) return failure;
  const int64_t loaded = now_ns();
  report.rss_loaded_bytes = status_bytes("VmRSS");
  if (auto failure = begin_packed_cache(options.backend, report.packed_cache)) return failure;
  if (auto failure = initialize_counted(options, model, report, instructions, tracer)) return failure;
  report.load_ns = loaded - begin;
  report.rss_initialized_bytes = status_bytes("VmRSS");
  end_packed_cache(options.backend, report.packed_cache);
  return std::nullopt;
}

void read_detail(std::optional<Rollup>& rollup, MemoryDetail& detail) {
  rollup = read_rollup();
  if (!rollup) detail.reason = std::string("/proc/self/smaps_rollup: ") + std::strerror(errno);
}

MaybeFailure measure(const Options& options, Report& report) {
  // QEMU's user mode runs a further thread in this process: threads that exist now are not the runner's.
  const std::optional<int> tasks_before = count_tasks();
  Counters counters;
  if (options.counted_iterations > 0) {
    counters.open();
  }
  OperatorTracer tracer;  // Outlives the model, which reports to it.
  Model model;
  if (auto failure = prepare_threads(options)) return failure;
  report.canary_ns = time_canary();
  if (options.cold) report.cold = drop_pages(options.model, options.backend.packed_cache);
  OperatorTracer* const tracer_or_none = options.profile_iterations > 0 ? &tracer : nullptr;
  if (auto failure = load_model(options, model, report, counters.instructions, tracer_or_none)) return failure;
  report.outputs_are_apart = !options.outputs.empty();
  if (!report.outputs_are_apart) {
    if (auto failure = model.refuse_unless_plain()) return failure;
  }
  if (options.memory_detail) {
    report.memory_detail.emplace();
    read_detail(report.memory_detail->initialized, *report.memory_detail);
  }
  if (auto failure = read_input(options.input, model)) return failure;
  if (auto failure = measure_times(options, model, report.times)) return failure;
  report.rss_end_bytes = status_bytes("VmRSS");
  report.peak_rss_bytes = status_bytes("VmHWM");
  if (report.memory_detail) read_detail(report.memory_detail->end, *report.memory_detail);
  report.threads_requested = options.threads;
  const std::optional<int> tasks = count_tasks();
  if (tasks && tasks_before) report.threads_used = 1 + *tasks - *tasks_before;
  report.cpus_allowed = cpus_allowed();
  report.scheduling = read_scheduling();
  if (auto failure = count_events(options, model, counters, report.counts)) return failure;
  if (options.profile_iterations > 0) {
    if (auto failure = profile_operators(model, options.profile_iterations, tracer)) return failure;
    report.profile = tracer.operators();
  }
  if (report.outputs_are_apart) {
    if (auto failure = write_outputs(options.outputs, model)) return failure;
  } else if (auto failure = check_output_finite(model)) {
    return failure;
  }
  return write_report(options.report, report, model);
}

MaybeFailure evaluate(const Options& options) {
  Model model;
  Report unused;
  Counters not_counting;
  if (auto failure = prepare_threads(options)) return failure;
  if (auto failure = load_model(options, model, unused, not_counting.instructions)) return failure;
  return evaluate_batch(options, model);
}

MaybeFailure run(int argc, char** argv) {
  Options options;
  if (auto failure = parse_options(argc, argv, options)) return failure;
  capture_runtime_log();
  if (options.is_batch()) {
    return evaluate(options);
  }
  Report report;
  return measure(options, report);
}

}  // namespace
}  // namespace runner

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list-capabilities") == 0) {
    runner::list_capabilities();
    return 0;
  }
  const runner::MaybeFailure failure = runner::run(argc, argv);
  if (!failure) {
    return static_cast<int>(runner::ExitCode::kDone);
  }
  std::fprintf(stderr, "runner: %s\n", failure->message.c_str());
  return static_cast<int>(failure->code);
}
