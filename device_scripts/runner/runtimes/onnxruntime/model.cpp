#include "model.h"

#include <utility>

#include "api.h"

namespace runner {
namespace {

// The names that `harness` exports programs with.
constexpr const char* kInputs[] = {"input"};
constexpr const char* kOutputs[] = {"logits"};

std::string latest_error;

// Whether the call worked; its message is kept.
bool worked(ort::Status status) {
  if (status == nullptr) return true;
  latest_error = ort::table().message(status);
  return false;
}

}  // namespace

struct Model::State {
  ort::Table api;
  std::string path;
  void* environment = nullptr;
  void* session = nullptr;
  void* memory = nullptr;
  void* input = nullptr;
  void* output = nullptr;
};

Model::Model() = default;

// The process ends with its model: ONNX Runtime's objects are left to it.
Model::~Model() = default;

std::string runtime_error() {
  std::string line = latest_error;
  for (char& c : line) c = c < ' ' || c > '~' ? '?' : c;
  return line;
}

MaybeFailure Model::load(const std::string& path) {
  if (auto failure = refuse_unreadable(path)) return failure;
  if (ort::OrtGetApiBase()->table(ort::kVersion) == nullptr) {
    return bad_model("this ONNX Runtime has no version 17 of its interface");
  }
  state_ = std::make_unique<State>();
  state_->api = ort::table();
  state_->path = path;
  if (!worked(state_->api.create_environment(ort::kErrors, "runner", &state_->environment))) {
    return bad_model("ONNX Runtime does not start: " + runtime_error());
  }
  return std::nullopt;
}

MaybeFailure Model::initialize(const std::string&, const Backend&, OperatorTracer*) {
  const ort::Table& api = state_->api;
  void* options = nullptr;
  if (!worked(api.create_options(&options)) || !worked(api.set_threads(options, wanted_threads()))) {
    return bad_model("ONNX Runtime refuses its options: " + runtime_error());
  }
  if (!worked(api.create_session(state_->environment, state_->path.c_str(), options, &state_->session)) ||
      !worked(api.create_memory_info(&state_->memory))) {
    return bad_model("cannot initialize the model: " + runtime_error());
  }
  if (auto failure = bind(true)) return failure;
  return bind(false);
}

MaybeFailure Model::bind(bool is_input) {
  const ort::Table& api = state_->api;
  const std::string what = is_input ? "input" : "output";
  size_t count = 0, rank = 0;
  void *type = nullptr, *info = nullptr;
  int element = 0;
  if (!worked(api.count(is_input, state_->session, &count)) || count != 1) {
    return bad_model("the model has " + std::to_string(count) + " " + what + "s; exactly 1 can be used here");
  }
  if (!worked(api.type_of(is_input, state_->session, &type)) || !worked(api.tensor_info(type, &info)) ||
      info == nullptr || !worked(api.element_type(info, &element)) || element != ort::kFloat ||
      !worked(api.rank(info, &rank))) {
    return bad_model("the model's " + what + " is not a float32 tensor");
  }
  std::vector<int64_t> sizes(rank);
  if (!worked(api.sizes(info, sizes.data(), rank))) return bad_model("the model's " + what + " has no sizes");
  auto& tensors = is_input ? inputs_ : outputs_;
  if (auto failure = add_tensor(tensors, std::move(sizes), what)) return failure;
  const Tensor& tensor = tensors.back();
  void*& value = is_input ? state_->input : state_->output;
  if (!worked(api.create_tensor(state_->memory, tensor.data(), tensor.bytes(), tensor.sizes().data(), rank, ort::kFloat,
                                &value))) {
    return bad_model("the model's " + what + " cannot be bound: " + runtime_error());
  }
  return std::nullopt;
}

bool Model::execute() {
  return worked(state_->api.run(state_->session, kInputs, &state_->input, kOutputs, &state_->output));
}

}  // namespace runner
