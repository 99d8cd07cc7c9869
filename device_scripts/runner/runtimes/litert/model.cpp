#include "model.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "api.h"

namespace runner {
namespace {

int latest_status = litert::kOk;

bool worked(int status) {
  if (status != litert::kOk) latest_status = status;
  return status == litert::kOk;
}

}  // namespace

struct Model::State {
  void* environment = nullptr;
  void* model = nullptr;
  void* compiled = nullptr;
  void* input = nullptr;
  void* output = nullptr;
};

Model::Model() = default;

// The process ends with its model: LiteRT's objects are left to it.
Model::~Model() = default;

std::string runtime_error() {
  return latest_status == litert::kOk ? "" : "LiteRT status " + std::to_string(latest_status);
}

MaybeFailure Model::load(const std::string& path) {
  if (auto failure = refuse_unreadable(path)) return failure;
  state_ = std::make_unique<State>();
  if (!worked(litert::LiteRtCreateEnvironment(0, nullptr, &state_->environment))) {
    return bad_model("LiteRT does not start: " + runtime_error());
  }
  if (!worked(litert::LiteRtCreateModelFromFile(state_->environment, path.c_str(), &state_->model))) {
    return bad_model(path + " is not a LiteRT model: " + runtime_error());
  }
  return std::nullopt;
}

MaybeFailure Model::initialize(const std::string&, const Backend&, OperatorTracer*) {
  void *options = nullptr, *threads = nullptr;
  const std::string text = "num_threads = " + std::to_string(wanted_threads()) + "\n";
  if (!worked(litert::LiteRtCreateOptions(&options)) ||
      !worked(litert::LiteRtSetOptionsHardwareAccelerators(options, litert::kCpu)) ||
      !worked(litert::LiteRtCreateOpaqueOptions("xnnpack", strdup(text.c_str()), std::free, &threads)) ||
      !worked(litert::LiteRtAddOpaqueOptions(options, threads))) {
    return bad_model("LiteRT refuses its options: " + runtime_error());
  }
  if (!worked(litert::LiteRtCreateCompiledModel(state_->environment, state_->model, options, &state_->compiled))) {
    return bad_model("cannot initialize the model: " + runtime_error());
  }
  if (auto failure = bind(true)) return failure;
  return bind(false);
}

MaybeFailure Model::bind(bool is_input) {
  const std::string what = is_input ? "input" : "output";
  size_t main = 0, count = 0;
  void *subgraph = nullptr, *tensor = nullptr;
  litert::TensorType type{};
  const auto counted = is_input ? litert::LiteRtGetNumSubgraphInputs : litert::LiteRtGetNumSubgraphOutputs;
  const auto found = is_input ? litert::LiteRtGetSubgraphInput : litert::LiteRtGetSubgraphOutput;
  if (!worked(litert::LiteRtGetMainModelSubgraphIndex(state_->model, &main)) ||
      !worked(litert::LiteRtGetModelSubgraph(state_->model, main, &subgraph)) || !worked(counted(subgraph, &count)) ||
      count != 1) {
    return bad_model("the model has " + std::to_string(count) + " " + what + "s; exactly 1 can be used here");
  }
  if (!worked(found(subgraph, 0, &tensor)) || !worked(litert::LiteRtGetRankedTensorType(tensor, &type)) ||
      type.element != litert::kFloat || type.layout.rank > litert::kLargestRank) {
    return bad_model("the model's " + what + " is not a float32 tensor");
  }
  auto& tensors = is_input ? inputs_ : outputs_;
  std::vector<int64_t> sizes(type.layout.sizes, type.layout.sizes + type.layout.rank);
  if (auto failure = add_tensor(tensors, std::move(sizes), what)) return failure;
  const Tensor& memory = tensors.back();
  void*& buffer = is_input ? state_->input : state_->output;
  if (!worked(litert::LiteRtCreateTensorBufferFromHostMemory(&type, memory.data(), memory.bytes(), nullptr, &buffer))) {
    return bad_model("the model's " + what + " cannot be bound: " + runtime_error());
  }
  return std::nullopt;
}

bool Model::execute() {
  return worked(litert::LiteRtRunCompiledModel(state_->compiled, 0, 1, &state_->input, 1, &state_->output));
}

}  // namespace runner
