#include "model.h"

#include <executorch/runtime/backend/backend_options_map.h>
#include <executorch/runtime/core/exec_aten/util/scalar_type_util.h>
#include <executorch/runtime/platform/platform.h>
#include <executorch/runtime/platform/runtime.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <string_view>

#include "files.h"
#include "xnnpack.h"

namespace runner {
namespace {

using executorch::aten::ScalarType;
using executorch::extension::MmapDataLoader;
using executorch::runtime::Error;
using executorch::runtime::EValue;
using executorch::runtime::LoadBackendOptionsMap;
using executorch::runtime::MethodMeta;
using executorch::runtime::Program;
using executorch::runtime::Tag;

std::mutex log_mutex;
std::string latest_error;

bool begins_with(const std::string& text, std::string_view start) {
  return text.compare(0, start.size(), start) == 0;
}

// A kernel that fails gives its reason; after it the runtime names the operator, and then each argument's type.
void keep_error(et_timestamp_t, et_pal_log_level_t level, const char*, const char*, size_t, const char* message,
                size_t length) {
  if (level != kError && level != kFatal) {
    return;
  }
  const std::string said(message, length);
  if (begins_with(said, "arg ") && said.find(" with type id ") != std::string::npos) {
    return;
  }
  const std::lock_guard<std::mutex> lock(log_mutex);
  const bool names_operator = begins_with(said, "KernelCall failed") && !latest_error.empty();
  latest_error = names_operator ? said + " (" + latest_error + ")" : said;
}

Failure bad_model(const std::string& message) {
  return {ExitCode::kBadModel, message};
}

Failure bad_model(const std::string& what, Error error) {
  char code[16];
  snprintf(code, sizeof code, "0x%x", static_cast<unsigned>(error));
  const std::string said = runtime_error();
  return bad_model(what + ": ExecuTorch error " + code + (said.empty() ? "" : " (" + said + ")"));
}

}  // namespace

void capture_runtime_log() {
  executorch::runtime::register_pal(executorch::runtime::PalImpl::create(keep_error, __FILE__));
  executorch::runtime::runtime_init();
}

std::string runtime_error() {
  const std::lock_guard<std::mutex> lock(log_mutex);
  std::string line = latest_error;
  for (char& c : line) {
    c = c < ' ' || c > '~' ? '?' : c;  // The message may quote the file.
  }
  return line;
}

MaybeFailure Model::load(const std::string& path) {
  if (file_size(path) < 0) {
    return bad_model("cannot read model " + path + ": " + std::strerror(errno));
  }
  // No mlock: it would read the whole file now, and fail where RLIMIT_MEMLOCK is small.
  auto loader = MmapDataLoader::from(path.c_str(), MmapDataLoader::MlockConfig::NoMlock);
  if (!loader.ok()) {
    return bad_model("cannot read model " + path, loader.error());
  }
  loader_.emplace(std::move(loader.get()));
  auto program = Program::load(&*loader_, Program::Verification::InternalConsistency);
  if (!program.ok()) {
    return bad_model(path + " is not an ExecuTorch program", program.error());
  }
  program_.emplace(std::move(program.get()));
  return std::nullopt;
}

MaybeFailure Model::initialize(const std::string& name, const Backend& backend,
                               executorch::runtime::EventTracer* tracer) {
  const auto meta = program_->method_meta(name.c_str());
  if (!meta.ok()) {
    return bad_model("the model has no method '" + name + "'", meta.error());
  }
  if (auto failure = plan_memory(*meta)) return failure;
  // XNNPACK takes the path of its packed cache only with the program that is loaded, not as an option for all.
  XnnpackOptions chosen;
  LoadBackendOptionsMap backends;
  if (auto failure = choose_options(backend, chosen)) return failure;
  if (backends.set_options("XnnpackBackend", chosen.view()) != Error::Ok)
    return bad_model("XNNPACK's options are too many");
  auto method = program_->load_method(name.c_str(), &*memory_, tracer, nullptr, &backends);
  if (!method.ok()) {
    return bad_model("cannot initialize the model", method.error());
  }
  method_.emplace(std::move(method.get()));
  if (auto failure = prepare_inputs(*meta)) return failure;
  return prepare_outputs(*meta);
}

MaybeFailure Model::plan_memory(const MethodMeta& meta) {
  for (size_t i = 0; i < meta.num_memory_planned_buffers(); ++i) {
    const auto size = meta.memory_planned_buffer_size(i);
    if (!size.ok() || *size < 0) {
      return bad_model("the model's memory plan is broken");
    }
    planned_.emplace_back(static_cast<size_t>(*size));
    planned_spans_.emplace_back(planned_.back().data(), planned_.back().size());
  }
  planned_allocator_.emplace(
      executorch::runtime::Span<executorch::runtime::Span<uint8_t>>(planned_spans_.data(), planned_spans_.size()));
  memory_.emplace(&method_allocator_, &*planned_allocator_, &temporary_allocator_);
  return std::nullopt;
}

MaybeFailure Model::prepare_inputs(const MethodMeta& meta) {
  inputs_.reserve(meta.num_inputs());
  for (size_t i = 0; i < meta.num_inputs(); ++i) {
    const auto info = meta.input_tensor_meta(i);
    if (!info.ok()) {
      return bad_model("the model's input " + std::to_string(i) + " is not a tensor");
    }
    if (!inputs_.emplace_back(*info).prepare()) {
      return bad_model("the model's input " + std::to_string(i) + " has a broken dim order");
    }
    inputs_are_overwritten_ = inputs_are_overwritten_ || info->is_memory_planned();
  }
  return std::nullopt;
}

MaybeFailure Model::prepare_outputs(const MethodMeta& meta) {
  unplanned_outputs_.reserve(meta.num_outputs());
  for (size_t i = 0; i < meta.num_outputs(); ++i) {
    const auto info = meta.output_tensor_meta(i);
    if (!info.ok()) {
      return bad_model("the model's output " + std::to_string(i) + " is not a tensor");
    }
    if (!info->is_memory_planned()) {
      const Buffer& memory = unplanned_outputs_.emplace_back(info->nbytes());
      const Error error = method_->set_output_data_ptr(memory.data(), memory.size(), i);
      if (error != Error::Ok) {
        return bad_model("the model's output " + std::to_string(i) + " has no memory", error);
      }
    }
  }
  return std::nullopt;
}

size_t Model::input_bytes() const {
  size_t bytes = 0;
  for (const Input& input : inputs_) bytes += input.bytes();
  return bytes;
}

MaybeFailure Model::feed_inputs() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Error error = method_->set_input(EValue(inputs_[i].tensor()), i);
    if (error != Error::Ok) return bad_model("the model refuses its input " + std::to_string(i), error);
  }
  return std::nullopt;
}

MaybeFailure Model::refuse_unless_plain() const {
  if (inputs_.size() != 1 || outputs() != 1) {
    return bad_model("the model has " + std::to_string(inputs_.size()) + " inputs and " + std::to_string(outputs()) +
                     " outputs; exactly 1 of each can be fed and reported here");
  }
  if (inputs_[0].type() != ScalarType::Float || output(0).scalar_type() != ScalarType::Float) {
    return bad_model("the model's input or output is not a float32 tensor");
  }
  return std::nullopt;
}

}  // namespace runner
