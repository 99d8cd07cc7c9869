#include "model.h"

#include <executorch/runtime/backend/backend_options_map.h>
#include <executorch/runtime/core/exec_aten/util/dim_order_util.h>
#include <executorch/runtime/core/exec_aten/util/scalar_type_util.h>
#include <executorch/runtime/platform/platform.h>
#include <executorch/runtime/platform/runtime.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "files.h"

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

constexpr const char* kMethod = "forward";

std::mutex log_mutex;
std::string latest_error;

void keep_error(et_timestamp_t, et_pal_log_level_t level, const char*, const char*, size_t, const char* message,
                size_t length) {
  if (level == kError || level == kFatal) {
    const std::lock_guard<std::mutex> lock(log_mutex);
    latest_error.assign(message, length);
  }
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

Buffer::Buffer(size_t size) : size_(size) {
  // XNNPACK may read up to XNN_EXTRA_BYTES (128) past the end of a tensor (xnnpack.h); it never uses what it read.
  constexpr size_t kAlignment = 64;
  constexpr size_t kReadableBeyond = 128;
  const size_t whole = (size + kReadableBeyond + kAlignment - 1) / kAlignment * kAlignment;
  memory_.reset(static_cast<uint8_t*>(std::aligned_alloc(kAlignment, whole)));
  if (memory_ == nullptr) {
    std::abort();  // Out of memory before anything was measured.
  }
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

MaybeFailure Model::initialize(const Backend& backend, executorch::runtime::EventTracer* tracer) {
  const auto meta = program_->method_meta(kMethod);
  if (!meta.ok()) {
    return bad_model("the model has no method 'forward'", meta.error());
  }
  if (auto failure = plan_memory(*meta)) return failure;
  // XNNPACK takes the path of its packed cache only with the program that is loaded, not as an option for all.
  XnnpackOptions chosen;
  LoadBackendOptionsMap backends;
  if (auto failure = choose_options(backend, chosen)) return failure;
  if (backends.set_options("XnnpackBackend", chosen.view()) != Error::Ok)
    return bad_model("XNNPACK's options are too many");
  auto method = program_->load_method(kMethod, &*memory_, tracer, nullptr, &backends);
  if (!method.ok()) {
    return bad_model("cannot initialize the model", method.error());
  }
  method_.emplace(std::move(method.get()));
  if (auto failure = prepare_input(*meta)) return failure;
  return prepare_output(*meta);
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

MaybeFailure Model::prepare_input(const MethodMeta& meta) {
  if (meta.num_inputs() != 1) {
    return bad_model("the model has " + std::to_string(meta.num_inputs()) + " inputs; exactly 1 can be fed");
  }
  const auto info = meta.input_tensor_meta(0);
  if (!info.ok() || info->scalar_type() != ScalarType::Float) {
    return bad_model("the model's input is not a float32 tensor");
  }
  input_is_planned_ = info->is_memory_planned();
  input_.emplace(info->nbytes());
  input_sizes_.assign(info->sizes().begin(), info->sizes().end());
  input_dim_order_.assign(info->dim_order().begin(), info->dim_order().end());
  input_strides_.resize(input_sizes_.size());
  const Error error = executorch::runtime::dim_order_to_stride(input_sizes_.data(), input_dim_order_.data(),
                                                               input_sizes_.size(), input_strides_.data());
  if (error != Error::Ok) {
    return bad_model("the model's input has a broken dim order", error);
  }
  input_tensor_.emplace(ScalarType::Float, static_cast<ssize_t>(input_sizes_.size()), input_sizes_.data(),
                        input_->data(), input_dim_order_.data(), input_strides_.data());
  return std::nullopt;
}

MaybeFailure Model::prepare_output(const MethodMeta& meta) {
  const auto info = meta.output_tensor_meta(0);
  if (!info.ok() || info->scalar_type() != ScalarType::Float) {
    return bad_model("the model's first output is not a float32 tensor");
  }
  if (!info->is_memory_planned()) {
    unplanned_output_.emplace(info->nbytes());
    const Error error = method_->set_output_data_ptr(unplanned_output_->data(), unplanned_output_->size(), 0);
    if (error != Error::Ok) {
      return bad_model("the model's output has no memory", error);
    }
  }
  return std::nullopt;
}

MaybeFailure Model::feed_input() {
  const Error error = method_->set_input(EValue(executorch::aten::Tensor(&*input_tensor_)), 0);
  return error == Error::Ok ? std::nullopt : MaybeFailure(bad_model("the model refuses its input", error));
}

const executorch::aten::Tensor& Model::output_tensor() const {
  return method_->get_output(0).toTensor();
}

const float* Model::output() const {
  return output_tensor().const_data_ptr<float>();
}

size_t Model::output_elements() const {
  return static_cast<size_t>(output_tensor().numel());
}

std::vector<int32_t> Model::output_sizes() const {
  const auto sizes = output_tensor().sizes();
  return {sizes.begin(), sizes.end()};
}

}  // namespace runner
