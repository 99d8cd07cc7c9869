#include "model.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "files.h"
#include "threads.h"

namespace runner {
namespace {

int threads_wanted = 1;

}  // namespace

MaybeFailure set_threads(int threads) {
  threads_wanted = threads;
  return std::nullopt;
}

int wanted_threads() {
  return threads_wanted;
}

// What these runtimes log is not kept: a call that fails says why.
void capture_runtime_log() {}

Failure bad_model(const std::string& message) {
  return {ExitCode::kBadModel, message};
}

MaybeFailure refuse_unreadable(const std::string& path) {
  if (file_size(path) >= 0) return std::nullopt;
  return bad_model("cannot read model " + path + ": " + std::strerror(errno));
}

MaybeFailure Model::add_tensor(std::vector<Tensor>& tensors, std::vector<int64_t> sizes, const std::string& what) {
  for (const int64_t size : sizes) {
    if (size < 1) return bad_model("the model's " + what + " has a dynamic size");
  }
  tensors.emplace_back(std::move(sizes));
  return std::nullopt;
}

}  // namespace runner
