#include "model.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "api.h"
#include "files.h"
#include "threads.h"

namespace runner {
namespace {

// The names that `harness` exports programs with.
constexpr const char* kInputs[] = {"input"};
constexpr const char* kOutputs[] = {"logits"};

int wanted_threads = 1;
std::string latest_error;

Failure bad_model(const std::string& message) {
  return {ExitCode::kBadModel, message};
}

// Whether the call worked; its message is kept.
bool worked(ort::Status status) {
  if (status == nullptr) return true;
  latest_error = ort::table().message(status);
  return false;
}

}  // namespace

MaybeFailure set_threads(int threads) {
  wanted_threads = threads;
  return std::nullopt;
}

void capture_runtime_log() {}

std::string runtime_error() {
  std::string line = latest_error;
  for (char& c : line) c = c < ' ' || c > '~' ? '?' : c;
  return line;
}

// The process ends with its model: ONNX Runtime's objects are left to it.
Model::~Model() = default;

MaybeFailure Model::load(const std::string& path) {
  if (file_size(path) < 0) {
    return bad_model("cannot read model " + path + ": " + std::strerror(errno));
  }
  path_ = path;
  if (ort::OrtGetApiBase()->table(ort::kVersion) == nullptr) {
    return bad_model("this ONNX Runtime has no version 17 of its interface");
  }
  if (!worked(ort::table().create_environment(ort::kErrors, "runner", &environment_))) {
    return bad_model("ONNX Runtime does not start: " + runtime_error());
  }
  return std::nullopt;
}

MaybeFailure Model::initialize(const std::string&, const Backend&, OperatorTracer*) {
  const ort::Table api = ort::table();
  void* options = nullptr;
  if (!worked(api.create_options(&options)) || !worked(api.set_threads(options, wanted_threads))) {
    return bad_model("ONNX Runtime refuses its options: " + runtime_error());
  }
  if (!worked(api.create_session(environment_, path_.c_str(), options, &session_)) ||
      !worked(api.create_memory_info(&memory_))) {
    return bad_model("cannot initialize the model: " + runtime_error());
  }
  if (auto failure = bind(true, inputs_, input_)) return failure;
  return bind(false, outputs_, output_);
}

MaybeFailure Model::bind(bool is_input, std::vector<Tensor>& tensors, void*& value) {
  const ort::Table api = ort::table();
  const std::string what = is_input ? "input" : "output";
  size_t count = 0, rank = 0;
  void *type = nullptr, *info = nullptr;
  int element = 0;
  if (!worked(api.count(is_input, session_, &count)) || count != 1) {
    return bad_model("the model has " + std::to_string(count) + " " + what + "s; exactly 1 can be used here");
  }
  if (!worked(api.type_of(is_input, session_, &type)) || !worked(api.tensor_info(type, &info)) || info == nullptr ||
      !worked(api.element_type(info, &element)) || element != ort::kFloat || !worked(api.rank(info, &rank))) {
    return bad_model("the model's " + what + " is not a float32 tensor");
  }
  std::vector<int64_t> sizes(rank);
  if (!worked(api.sizes(info, sizes.data(), rank))) return bad_model("the model's " + what + " has no sizes");
  for (const int64_t size : sizes) {
    if (size < 1) return bad_model("the model's " + what + " has a dynamic size");
  }
  const Tensor& tensor = tensors.emplace_back(std::move(sizes));
  if (!worked(api.create_tensor(memory_, tensor.data(), tensor.bytes(), tensor.sizes().data(), rank, ort::kFloat,
                                &value))) {
    return bad_model("the model's " + what + " cannot be bound: " + runtime_error());
  }
  return std::nullopt;
}

size_t Model::input_bytes() const {
  return inputs_[0].bytes();
}

bool Model::execute() {
  return worked(ort::table().run(session_, kInputs, &input_, kOutputs, &output_));
}

}  // namespace runner
