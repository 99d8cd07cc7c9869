#include "report.h"

#include <cmath>
#include <cstdio>

#include "files.h"

namespace runner {
namespace {

#if defined(__aarch64__)
constexpr const char* kAbi = "arm64-v8a";
#elif defined(__x86_64__)
constexpr const char* kAbi = "x86_64";
#else
#error "the harness knows no name for this ABI"
#endif

// Writes one flat JSON object, a field a line.
class JsonObject {
 public:
  void raw(const char* name, const std::string& value) {
    text_ += (text_.empty() ? "{\n" : ",\n") + quoted(name) + ": " + value;
  }
  void string(const char* name, const std::string& value) { raw(name, quoted(value)); }
  void string_or_null(const char* name, const std::string& value) { raw(name, value.empty() ? "null" : quoted(value)); }
  void number(const char* name, int64_t value) { raw(name, std::to_string(value)); }
  void number_or_null(const char* name, std::optional<int64_t> value) {
    raw(name, value ? std::to_string(*value) : "null");
  }

  std::string text() const { return text_ + "\n}"; }

  template <typename Numbers>
  static std::string array(const Numbers& numbers) {
    std::string text = "[";
    for (const auto number : numbers) {
      text += (text.size() == 1 ? "" : ",") + std::to_string(number);
    }
    return text + "]";
  }

  MaybeFailure write(const std::string& path) const {
    const std::string whole = text() + "\n";
    CompleteFile file(path);
    if (auto failure = file.open()) return failure;
    if (auto failure = file.write(whole.data(), whole.size())) return failure;
    return file.finish();
  }

 private:
  static std::string quoted(const std::string& value) {
    std::string text = "\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text += '\\';
      }
      text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return text + "\"";
  }

  std::string text_;
};

// Nine significant digits: enough for every float32 to come back as it was.
std::string output_json(const Model& model) {
  std::string text = "{\"sizes\": " + JsonObject::array(model.output(0).sizes()) + ", \"values\": [";
  const float* values = model.output(0).const_data_ptr<float>();
  const auto elements = static_cast<size_t>(model.output(0).numel());
  char number[32];
  for (size_t i = 0; i < elements; ++i) {
    snprintf(number, sizeof number, i == 0 ? "%.9g" : ",%.9g", static_cast<double>(values[i]));
    text += number;
  }
  return text + "]}";
}

// Their elements are in the file of `write_outputs`, one tensor after the other.
std::string outputs_json(const Model& model) {
  std::string text = "[";
  for (size_t i = 0; i < model.outputs(); ++i) {
    const auto& tensor = model.output(i);
    JsonObject json;
    json.number("scalar_type", static_cast<int64_t>(tensor.scalar_type()));
    json.raw("sizes", JsonObject::array(tensor.sizes()));
    text += (i == 0 ? "" : ",") + json.text();
  }
  return text + "]";
}

std::string memory_json(const std::optional<MemoryDetail>& memory) {
  if (!memory) {
    return "null";
  }
  const auto figure = [](const std::optional<Rollup>& rollup, int64_t Rollup::* field) {
    return rollup ? std::to_string((*rollup).*field) : "null";
  };
  JsonObject json;
  json.raw("pss_initialized_bytes", figure(memory->initialized, &Rollup::pss_bytes));
  json.raw("private_dirty_initialized_bytes", figure(memory->initialized, &Rollup::private_dirty_bytes));
  json.raw("pss_end_bytes", figure(memory->end, &Rollup::pss_bytes));
  json.raw("private_dirty_end_bytes", figure(memory->end, &Rollup::private_dirty_bytes));
  json.string_or_null("unavailable", memory->reason);
  return json.text();
}

std::string profile_json(const std::optional<std::vector<ProfiledOperator>>& profile) {
  if (!profile) {
    return "null";
  }
  std::string text = "[";
  for (const ProfiledOperator& op : *profile) {
    JsonObject json;
    json.string("name", op.name);
    json.raw("times_ns", JsonObject::array(op.times_ns));
    text += (text.size() == 1 ? "" : ",") + json.text();
  }
  return text + "]";
}

std::string scheduling_json(const Scheduling& scheduling) {
  JsonObject json;
  json.string_or_null("cgroup", scheduling.cgroup);
  json.string_or_null("cpuset", scheduling.cpuset);
  json.number_or_null("uclamp_min_per_1024", scheduling.uclamp_min);
  json.number_or_null("uclamp_max_per_1024", scheduling.uclamp_max);
  json.number_or_null("oom_score_adj", scheduling.oom_score_adj);
  json.number_or_null("timer_slack_ns", scheduling.timer_slack_ns);
  json.number_or_null("nice", scheduling.nice);
  json.string_or_null("unavailable", scheduling.unavailable);
  return json.text();
}

std::string cold_json(const std::optional<Cold>& cold) {
  if (!cold) {
    return "null";
  }
  JsonObject json;
  json.number("files", cold->files);
  json.number("pages", cold->pages);
  json.number("resident_before_pages", cold->resident_before_pages);
  json.number("resident_pages", cold->resident_pages);
  json.string_or_null("unavailable", cold->unavailable);
  return json.text();
}

std::string packed_cache_json(const std::optional<PackedCache>& cache) {
  if (!cache) {
    return "null";
  }
  JsonObject json;
  json.number("bytes_before", cache->bytes_before);
  json.number("bytes", cache->bytes);
  json.raw("mapped", cache->mapped ? "true" : "false");
  return json.text();
}

// A second without an inference has no figure.
std::string figures(const std::vector<Second>& seconds, int64_t Second::* field) {
  std::string text = "[";
  for (const Second& second : seconds) {
    text += (text.size() == 1 ? "" : ",") + (second.inferences == 0 ? "null" : std::to_string(second.*field));
  }
  return text + "]";
}

std::string sustained_json(const std::optional<Sustained>& sustained) {
  if (!sustained) {
    return "null";
  }
  std::vector<int64_t> inferences;
  for (const Second& second : sustained->seconds) inferences.push_back(second.inferences);
  JsonObject json;
  json.number("began_uptime_ns", sustained->began_uptime_ns);
  json.raw("inferences", JsonObject::array(inferences));
  json.raw("median_ns", figures(sustained->seconds, &Second::median_ns));
  json.raw("p90_ns", figures(sustained->seconds, &Second::p90_ns));
  json.raw("max_ns", figures(sustained->seconds, &Second::max_ns));
  return json.text();
}

template <typename Numbers>
std::string array_or_null(const std::optional<Numbers>& numbers) {
  return numbers ? JsonObject::array(*numbers) : "null";
}

}  // namespace

MaybeFailure check_output_finite(const Model& model) {
  const float* values = model.output(0).const_data_ptr<float>();
  const auto elements = static_cast<size_t>(model.output(0).numel());
  for (size_t i = 0; i < elements; ++i) {
    if (!std::isfinite(values[i])) {
      return Failure{ExitCode::kExecutionFailed,
                     "output element " + std::to_string(i) + " is not finite: " + std::to_string(values[i])};
    }
  }
  return std::nullopt;
}

MaybeFailure write_outputs(const std::string& path, const Model& model) {
  CompleteFile file(path);
  if (auto failure = file.open()) return failure;
  for (size_t i = 0; i < model.outputs(); ++i) {
    const auto& tensor = model.output(i);
    if (auto failure = file.write(tensor.const_data_ptr(), tensor.nbytes())) return failure;
  }
  return file.finish();
}

MaybeFailure write_report(const std::string& path, const Report& report, const Model& model) {
  JsonObject json;
  json.number("schema_version", 1);
  json.string("runner_version", RUNNER_VERSION);
  json.string("build_type", RUNNER_BUILD_TYPE);
  json.string("abi", kAbi);
#ifdef RUNNER_EXECUTORCH_VERSION
  json.string("executorch_version", RUNNER_EXECUTORCH_VERSION);
#else
  json.string("runtime", RUNNER_RUNTIME);
  json.string("runtime_version", RUNNER_RUNTIME_VERSION);
#endif
  json.number("canary_ns", report.canary_ns);
  json.number("load_ns", report.load_ns);
  json.number("init_ns", report.init_ns);
  json.number_or_null("init_instructions", report.init_instructions);
  json.number("first_ns", report.times.first_ns);
  json.raw("warmup_ns", JsonObject::array(report.times.warmup_ns));
  json.raw("latencies_ns", JsonObject::array(report.times.latencies_ns));
  json.raw("starts_ns", array_or_null(report.times.starts_ns));
  json.number_or_null("rss_start_bytes", report.rss_start_bytes);
  json.number_or_null("rss_loaded_bytes", report.rss_loaded_bytes);
  json.number_or_null("rss_initialized_bytes", report.rss_initialized_bytes);
  json.number_or_null("rss_end_bytes", report.rss_end_bytes);
  json.number_or_null("peak_rss_bytes", report.peak_rss_bytes);
  json.number("threads_requested", report.threads_requested);
  json.number_or_null("threads_used", report.threads_used);
  json.string("cpus_allowed", report.cpus_allowed);
  json.raw("scheduling", scheduling_json(report.scheduling));
  json.raw("counted_instructions", array_or_null(report.counts.instructions));
  json.raw("counted_cycles", array_or_null(report.counts.cycles));
  json.raw("counted_cache_misses", array_or_null(report.counts.cache_misses));
  json.raw("counted_branch_misses", array_or_null(report.counts.branch_misses));
  json.string_or_null("counters_unavailable", report.counts.unavailable);
  json.raw("memory_detail", memory_json(report.memory_detail));
  json.raw("cold", cold_json(report.cold));
  json.raw("packed_cache", packed_cache_json(report.packed_cache));
  json.raw("sustained", sustained_json(report.times.sustained));
  json.raw("profile", profile_json(report.profile));
  json.raw("output", report.outputs_are_apart ? "null" : output_json(model));
  if (report.outputs_are_apart) json.raw("outputs", outputs_json(model));
  return json.write(path);
}

MaybeFailure write_batch_report(const std::string& path, const Model& model, size_t tensors, int64_t elapsed_ns) {
  JsonObject json;
  json.number("schema_version", 1);
  json.string("runner_version", RUNNER_VERSION);
  json.number("tensors", static_cast<int64_t>(tensors));
  json.raw("output_sizes", JsonObject::array(model.output(0).sizes()));
  json.number("elapsed_ns", elapsed_ns);
  return json.write(path);
}

}  // namespace runner
