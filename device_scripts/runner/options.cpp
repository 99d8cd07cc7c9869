#include "options.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <map>
#include <string_view>

namespace runner {
namespace {

Failure usage(std::string message) {
  return {ExitCode::kUsage, std::move(message)};
}

// Nothing of these is on the heap: where its blocks lie would change an inference by some instructions.
using Name = std::string_view;
constexpr Name kSlowDown = "--slow-down-operations";
constexpr Name kSlowDownFrom = "--slow-down-from-second";
constexpr Name kWeightCache = "--weight-cache";
constexpr Name kPackedCache = "--packed-cache";
constexpr Name kFreshPackedCache = "--fresh-packed-cache";
constexpr Name kWorkspaceSharing = "--workspace-sharing-mode";
constexpr Name kCommon[] = {"--model", "--report", "--threads", "--cpus", "--method"};
constexpr Name kMeasuring[] = {"--input",       "--warmup-iterations",  "--min-iterations", "--min-seconds",
                               "--max-seconds", "--counted-iterations", "--mark-counted",   "--memory-detail",
                               "--cold",        "--profile-iterations", "--period-ns",      kWeightCache,
                               kPackedCache,    kFreshPackedCache,      kWorkspaceSharing,  "--sustain-seconds",
                               kSlowDown,       kSlowDownFrom,          "--outputs"};
constexpr Name kFlags[] = {"--mark-counted", "--memory-detail", "--cold", kWeightCache, kFreshPackedCache};
constexpr Name kBatch[] = {"--batch-input", "--batch-output", "--batch-scale", "--batch-offset"};

template <size_t N>
bool is_one_of(const Name (&names)[N], Name name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// Values by option name, as given; each is removed once it is read.
class Values {
 public:
  MaybeFailure collect(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string name = argv[i];
      const bool known = is_one_of(kCommon, name) || is_one_of(kMeasuring, name) || is_one_of(kBatch, name);
      if (!known || ((name == kSlowDown || name == kSlowDownFrom) && !kBenchBuild)) {
        return usage("unknown option '" + name + "'");
      }
      const bool is_flag = is_one_of(kFlags, name);
      if (!is_flag && i + 1 == argc) {
        return usage("option " + name + " needs a value");
      }
      if (!given_.emplace(name, is_flag ? "" : argv[++i]).second) {
        return usage("option " + name + " is given twice");
      }
    }
    return std::nullopt;
  }

  bool has(const std::string& name) const { return given_.count(name) != 0; }

  template <size_t N>
  MaybeFailure refuse(const Name (&names)[N], const std::string& beside) const {
    for (const Name name : names) {
      if (has(std::string(name))) {
        return usage("option " + std::string(name) + " does not go with " + beside);
      }
    }
    return std::nullopt;
  }

  MaybeFailure text(const std::string& name, std::string& value) const {
    const auto found = given_.find(name);
    if (found == given_.end() || found->second.empty()) {
      return usage("option " + name + " is missing");
    }
    value = found->second;
    return std::nullopt;
  }

  // Keeps `value` when the option is not given. NaN and infinity are refused.
  MaybeFailure number(const std::string& name, double low, double high, double& value) const {
    const auto found = given_.find(name);
    if (found == given_.end()) {
      return std::nullopt;
    }
    char* end = nullptr;
    errno = 0;
    const double parsed = std::strtod(found->second.c_str(), &end);
    const bool whole = !found->second.empty() && *end == '\0' && errno == 0;
    if (!whole || !std::isfinite(parsed) || parsed < low || parsed > high) {
      return usage("option " + name + " takes a number from " + short_form(low) + " to " + short_form(high) +
                   ", not '" + found->second + "'");
    }
    value = parsed;
    return std::nullopt;
  }

  MaybeFailure count(const std::string& name, size_t low, size_t high, size_t& value) const {
    double parsed = static_cast<double>(value);
    if (auto failure = number(name, static_cast<double>(low), static_cast<double>(high), parsed)) {
      return failure;
    }
    if (parsed != std::floor(parsed)) {
      return usage("option " + name + " takes a whole number, not '" + given_.at(name) + "'");
    }
    value = static_cast<size_t>(parsed);
    return std::nullopt;
  }

 private:
  static std::string short_form(double value) {
    char text[32];
    snprintf(text, sizeof text, "%.12g", value);
    return text;
  }

  std::map<std::string, std::string> given_;
};

MaybeFailure parse_backend(const Values& values, Backend& backend) {
  if (values.has(std::string(kPackedCache))) {
    if (auto failure = values.text(std::string(kPackedCache), backend.packed_cache)) return failure;
    if (backend.packed_cache.size() > kLongestPackedCachePath) {
      return usage("the path of " + std::string(kPackedCache) + " has more than " +
                   std::to_string(kLongestPackedCachePath) + " bytes, which ExecuTorch cannot take");
    }
  }
  backend.weight_cache = values.has(std::string(kWeightCache)) || !backend.packed_cache.empty();
  backend.fresh_packed_cache = values.has(std::string(kFreshPackedCache));
  if (backend.fresh_packed_cache && backend.packed_cache.empty()) {
    return usage(std::string(kFreshPackedCache) + " needs " + std::string(kPackedCache));
  }
  if (values.has(std::string(kWorkspaceSharing))) {
    size_t mode = 0;
    if (auto failure = values.count(std::string(kWorkspaceSharing), 0, 2, mode)) return failure;
    backend.workspace_sharing_mode = static_cast<int>(mode);
  }
  return std::nullopt;
}

MaybeFailure parse_measuring(const Values& values, Options& options) {
  if (auto failure = values.refuse(kBatch, "--input")) return failure;
  if (auto failure = values.text("--input", options.input)) return failure;
  if (values.has("--outputs")) {
    if (auto failure = values.text("--outputs", options.outputs)) return failure;
  }
  if (auto failure = values.count("--warmup-iterations", 0, kMaxSamples, options.warmup_iterations)) return failure;
  if (auto failure = values.count("--min-iterations", 1, kMaxSamples, options.min_iterations)) return failure;
  if (auto failure = values.number("--min-seconds", 0, 86400, options.min_seconds)) return failure;
  options.max_seconds = 86400;
  if (auto failure = values.number("--max-seconds", 0, 86400, options.max_seconds)) return failure;
  if (auto failure = values.count("--counted-iterations", 0, kMaxSamples, options.counted_iterations)) return failure;
  if (auto failure = values.count("--period-ns", 0, kLongestPeriodNs, options.period_ns)) return failure;
  if (auto failure = values.count("--profile-iterations", 0, 10000, options.profile_iterations)) return failure;
  if (auto failure = values.count(std::string(kSlowDown), 0, 1'000'000'000, options.slow_down_operations))
    return failure;
  if (auto failure = values.count("--sustain-seconds", 0, kLongestSustainSeconds, options.sustain_seconds))
    return failure;
  if (auto failure = values.count(std::string(kSlowDownFrom), 0, kLongestSustainSeconds, options.slow_down_from_second))
    return failure;
  options.mark_counted = values.has("--mark-counted");
  options.memory_detail = values.has("--memory-detail");
  options.cold = values.has("--cold");
  if (auto failure = parse_backend(values, options.backend)) return failure;
  if (options.max_seconds < options.min_seconds) {
    return usage("--max-seconds is less than --min-seconds");
  }
  if (options.sustain_seconds > 0 && options.period_ns > 0) {
    return usage("--sustain-seconds runs back to back, and --period-ns does not");
  }
  return std::nullopt;
}

MaybeFailure parse_batch(const Values& values, Options& options) {
  if (auto failure = values.refuse(kMeasuring, "--batch-input")) return failure;
  if (auto failure = values.text("--batch-input", options.batch_input)) return failure;
  if (auto failure = values.text("--batch-output", options.batch_output)) return failure;
  double scale = 0;
  double offset = 0;
  if (auto failure = values.number("--batch-scale", -1e9, 1e9, scale)) return failure;
  if (auto failure = values.number("--batch-offset", -1e9, 1e9, offset)) return failure;
  if (values.has("--batch-scale") != values.has("--batch-offset")) {
    return usage("--batch-scale and --batch-offset go together");
  }
  if (values.has("--batch-scale")) {
    options.batch_scale = static_cast<float>(scale);
    options.batch_offset = static_cast<float>(offset);
  }
  return std::nullopt;
}

}  // namespace

MaybeFailure parse_options(int argc, char** argv, Options& options) {
  Values values;
  if (auto failure = values.collect(argc, argv)) return failure;
  if (auto failure = values.text("--model", options.model)) return failure;
  if (auto failure = values.text("--report", options.report)) return failure;
  size_t threads = 1;
  if (auto failure = values.count("--threads", 1, 1024, threads)) return failure;
  options.threads = static_cast<int>(threads);
  if (values.has("--cpus")) {
    if (auto failure = values.text("--cpus", options.cpus)) return failure;
  }
  if (values.has("--method")) {
    if (auto failure = values.text("--method", options.method)) return failure;
  }
  return values.has("--batch-input") ? parse_batch(values, options) : parse_measuring(values, options);
}

}  // namespace runner
