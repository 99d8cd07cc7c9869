#include "backend.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include "files.h"

namespace runner {
namespace {

bool is_mapped(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> whole(realpath(path.c_str(), nullptr), &std::free);
  if (whole == nullptr) return false;
  const std::string wanted = std::string(" ") + whole.get();
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.size() > wanted.size() && line.compare(line.size() - wanted.size(), wanted.size(), wanted) == 0)
      return true;
  }
  return false;
}

int64_t size_or_0(const std::string& path) {
  return std::max<int64_t>(0, file_size(path));
}

}  // namespace

MaybeFailure begin_packed_cache(const Backend& backend, std::optional<PackedCache>& cache) {
  const std::string& path = backend.packed_cache;
  if (path.empty()) return std::nullopt;
  if (backend.fresh_packed_cache && unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Failure{ExitCode::kBadInput, "cannot remove " + path + ": " + std::strerror(errno)};
  }
  cache.emplace().bytes_before = size_or_0(path);
  return std::nullopt;
}

void end_packed_cache(const Backend& backend, std::optional<PackedCache>& cache) {
  if (!cache) return;
  cache->bytes = size_or_0(backend.packed_cache);
  cache->mapped = is_mapped(backend.packed_cache);
}

}  // namespace runner
