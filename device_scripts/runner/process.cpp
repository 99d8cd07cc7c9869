#include "process.h"

#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace runner {
namespace {

constexpr const char* kStatus = "/proc/self/status";
constexpr const char* kRollup = "/proc/self/smaps_rollup";

// The value of `name:` in a file of /proc without the blanks around it.
std::string proc_line(const char* path, const std::string& name) {
  std::ifstream file(path);
  const std::string label = name + ":";
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, label.size(), label) == 0) {
      const size_t begin = line.find_first_not_of(" \t", label.size());
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  }
  return "";
}

// No process has a size of 0: that is a line without a number.
std::optional<int64_t> proc_bytes(const char* path, const char* name) {
  const int64_t kibibytes = std::strtoll(proc_line(path, name).c_str(), nullptr, 10);  // The kernel's `kB` are KiB.
  return kibibytes > 0 ? std::optional<int64_t>(kibibytes * 1024) : std::nullopt;
}

}  // namespace

std::optional<int64_t> status_bytes(const char* name) {
  return proc_bytes(kStatus, name);
}

std::optional<Rollup> read_rollup() {
  if (access(kRollup, R_OK) != 0) {
    return std::nullopt;
  }
  const std::optional<int64_t> pss = proc_bytes(kRollup, "Pss");
  const std::optional<int64_t> private_dirty = proc_bytes(kRollup, "Private_Dirty");
  errno = ENODATA;  // It opens but holds nothing where a policy forbids reading it.
  return pss && private_dirty ? std::optional<Rollup>({*pss, *private_dirty}) : std::nullopt;
}

std::string cpus_allowed() {
  return proc_line(kStatus, "Cpus_allowed_list");
}

std::optional<int> count_tasks() {
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) {
    return std::nullopt;
  }
  int count = 0;
  while (const dirent* entry = readdir(tasks)) {
    count += entry->d_name[0] != '.';
  }
  closedir(tasks);
  return count;
}

}  // namespace runner
