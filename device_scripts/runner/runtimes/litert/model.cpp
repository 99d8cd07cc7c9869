#include "model.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "api.h"
#include "files.h"
#include "threads.h"

namespace runner {
namespace {

int wanted_threads = 1;
int latest_status = litert::kOk;

Failure bad_model(const std::string& message) {
  return {ExitCode::kBadModel, message};
}

bool worked(int status) {
  if (status != litert::kOk) latest_status = status;
  return status == litert::kOk;
}

}  // namespace

MaybeFailure set_threads(int threads) {
  wanted_threads = threads;
  return std::nullopt;
}

void capture_runtime_log() {}

std::string runtime_error() {
  return latest_status == litert::kOk ? "" : "LiteRT status " + std::to_string(latest_status);
}

// The process ends with its model: LiteRT's objects are left to it.
MaybeFailure Model::load(const std::string& path) {
  if (file_size(path) < 0) {
    return bad_model("cannot read model " + path + ": " + std::strerror(errno));
  }
  if (!worked(litert::LiteRtCreateEnvironment(0, nullptr, &environment_))) {
    return bad_model("LiteRT does not start: " + runtime_error());
  }
  if (!worked(litert::LiteRtCreateModelFromFile(environment_, path.c_str(), &model_))) {
    return bad_model(path + " is not a LiteRT model: " + runtime_error());
  }
  return std::nullopt;
}

MaybeFailure Model::initialize(const std::string&, const Backend&, OperatorTracer*) {
  void *options = nullptr, *threads = nullptr;
  const std::string text = "num_threads = " + std::to_string(wanted_threads) + "\n";
  if (!worked(litert::LiteRtCreateOptions(&options)) ||
      !worked(litert::LiteRtSetOptionsHardwareAccelerators(options, litert::kCpu)) ||
      !worked(litert::LiteRtCreateOpaqueOptions("xnnpack", strdup(text.c_str()), std::free, &threads)) ||
      !worked(litert::LiteRtAddOpaqueOptions(options, threads))) {
    return bad_model("LiteRT refuses its options: " + runtime_error());
  }
  if (!worked(litert::LiteRtCreateCompiledModel(environment_, model_, options, &compiled_))) {
    return bad_model("cannot initialize the model: " + runtime_error());
  }
  if (auto failure = bind(true, inputs_, input_)) return failure;
  return bind(false, outputs_, output_);
}

MaybeFailure Model::bind(bool is_input, std::vector<Tensor>& tensors, void*& buffer) {
  const std::string what = is_input ? "input" : "output";
  size_t main = 0, count = 0;
  void *subgraph = nullptr, *tensor = nullptr;
  litert::TensorType type{};
  const auto counted = is_input ? litert::LiteRtGetNumSubgraphInputs : litert::LiteRtGetNumSubgraphOutputs;
  const auto found = is_input ? litert::LiteRtGetSubgraphInput : litert::LiteRtGetSubgraphOutput;
  if (!worked(litert::LiteRtGetMainModelSubgraphIndex(model_, &main)) ||
      !worked(litert::LiteRtGetModelSubgraph(model_, main, &subgraph)) || !worked(counted(subgraph, &count)) ||
      count != 1) {
    return bad_model("the model has " + std::to_string(count) + " " + what + "s; exactly 1 can be used here");
  }
  if (!worked(found(subgraph, 0, &tensor)) || !worked(litert::LiteRtGetRankedTensorType(tensor, &type)) ||
      type.element != litert::kFloat || type.layout.rank > litert::kLargestRank) {
    return bad_model("the model's " + what + " is not a float32 tensor");
  }
  std::vector<int64_t> sizes(type.layout.sizes, type.layout.sizes + type.layout.rank);
  for (const int64_t size : sizes) {
    if (size < 1) return bad_model("the model's " + what + " has a dynamic size");
  }
  const Tensor& memory = tensors.emplace_back(std::move(sizes));
  if (!worked(litert::LiteRtCreateTensorBufferFromHostMemory(&type, memory.data(), memory.bytes(), nullptr, &buffer))) {
    return bad_model("the model's " + what + " cannot be bound: " + runtime_error());
  }
  return std::nullopt;
}

bool Model::execute() {
  return worked(litert::LiteRtRunCompiledModel(compiled_, 0, 1, &input_, 1, &output_));
}

}  // namespace runner
