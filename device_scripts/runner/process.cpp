#include "process.h"

#include <dirent.h>

#include <cstdlib>
#include <fstream>

namespace runner {
namespace {

// The value of `name:` in /proc/self/status without the blanks around it.
std::string status_line(const std::string& name) {
  std::ifstream status("/proc/self/status");
  const std::string label = name + ":";
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, label.size(), label) == 0) {
      const size_t begin = line.find_first_not_of(" \t", label.size());
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  }
  return "";
}

}  // namespace

int64_t status_bytes(const char* name) {
  return std::strtoll(status_line(name).c_str(), nullptr, 10) * 1024;  // The kernel's `kB` are KiB.
}

std::string cpus_allowed() {
  return status_line("Cpus_allowed_list");
}

int count_tasks() {
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) {
    return 0;
  }
  int count = 0;
  while (const dirent* entry = readdir(tasks)) {
    count += entry->d_name[0] != '.';
  }
  closedir(tasks);
  return count;
}

}  // namespace runner
