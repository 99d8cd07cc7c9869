// What the runner's timed loop adds to an inference: its own measure_times against nothing but execute().
// timing_cost MODEL INPUT ROUNDS ITERATIONS: prints, for each round, the nanoseconds an iteration of both took.

#include <cstdio>
#include <cstdlib>

#include "clock.h"
#include "measurement.h"

namespace {

double measured_ns(runner::Model& model, size_t iterations) {
  runner::Options options;
  options.min_iterations = iterations;
  options.max_seconds = 3600;
  runner::Times times;
  const int64_t begin = runner::now_ns();
  if (runner::measure_times(options, model, times)) {
    std::exit(6);
  }
  return static_cast<double>(runner::now_ns() - begin) / static_cast<double>(times.latencies_ns.size() + 1);
}

double bare_ns(runner::Model& model, size_t iterations) {
  const int64_t begin = runner::now_ns();
  for (size_t i = 0; i < iterations; ++i) {
    if (!model.execute()) {
      std::exit(6);
    }
  }
  return static_cast<double>(runner::now_ns() - begin) / static_cast<double>(iterations);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    return 2;
  }
  runner::capture_runtime_log();
  runner::Model model;
  if (model.load(argv[1]) || model.initialize() || runner::read_input(argv[2], model)) {
    return 3;
  }
  const auto iterations = static_cast<size_t>(std::atoi(argv[4]));
  for (int round = 0; round < std::atoi(argv[3]); ++round) {
    const double measured = measured_ns(model, iterations);
    std::printf("%.1f %.1f\n", measured, bare_ns(model, iterations));
  }
}
