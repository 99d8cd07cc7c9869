#include <cstddef>
#include <cstdint>
#include <string>

#include "threads.h"

// The wheel exports these from libexecutorch_threadpool.so, but ships no header for them. Only members without
// `virtual` and a pointer that the library made are used, so the class's layout does not matter.
namespace executorch::extension::threadpool {
class ThreadPool final {
 public:
  size_t get_thread_count() const;
  bool _unsafe_reset_threadpool(uint32_t thread_count);
};
ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool

namespace runner {

MaybeFailure set_threads(int threads) {
  auto* pool = executorch::extension::threadpool::get_threadpool();
  if (pool == nullptr || !pool->_unsafe_reset_threadpool(static_cast<uint32_t>(threads)) ||
      pool->get_thread_count() != static_cast<size_t>(threads)) {
    return Failure{ExitCode::kThreadsOrAffinity, "cannot make a thread pool of " + std::to_string(threads)};
  }
  return std::nullopt;
}

}  // namespace runner
