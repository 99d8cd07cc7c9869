#include "cold.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <vector>

#include "files.h"

namespace runner {
namespace {

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21  // Linux 5.4; the headers of the C library may be older.
#endif

// A worker of the thread pool spins for some milliseconds before it sleeps, and pages are written back late.
constexpr int kAttempts = 50;
constexpr timespec kPause{0, 10'000'000};

// The libraries of each runtime by how their names begin: each runner is linked to those of one.
constexpr const char* kLibraries[] = {"/libexecutorch", "/libLiteRt.so", "/libonnxruntime.so"};

struct Segment {
  void* begin;
  size_t size;
  bool writable;
};

struct Mapped {
  std::vector<std::string> files;
  std::vector<Segment> segments;
};

int add_library(dl_phdr_info* info, size_t, void* data) {
  auto& mapped = *static_cast<Mapped*>(data);
  const auto is_loaded = [info](const char* name) { return std::strstr(info->dlpi_name, name) != nullptr; };
  if (std::none_of(std::begin(kLibraries), std::end(kLibraries), is_loaded)) return 0;
  mapped.files.emplace_back(info->dlpi_name);
  const auto page = static_cast<ElfW(Addr)>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) & header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    const ElfW(Addr) begin = (info->dlpi_addr + header.p_vaddr) / page * page;
    const ElfW(Addr) end = (info->dlpi_addr + header.p_vaddr + header.p_filesz + page - 1) / page * page;
    mapped.segments.push_back({reinterpret_cast<void*>(begin), end - begin, (header.p_flags & PF_W) != 0});
  }
  return 0;
}

// Pages that a process maps are not dropped from the cache. Segments that may be written hold relocated addresses:
// MADV_DONTNEED would lose those, MADV_PAGEOUT gives up only what can be read again.
void unmap_pages(const std::vector<Segment>& segments) {
  for (const Segment& one : segments) {
    madvise(one.begin, one.size, one.writable ? MADV_PAGEOUT : MADV_DONTNEED);
  }
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status{};
    if (descriptor_ >= 0 && fstat(descriptor_, &status) == 0) size_ = static_cast<size_t>(status.st_size);
  }
  ~OpenFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // Pages that are not yet on the disk cannot be dropped.
  void drop() const {
    fdatasync(descriptor_);
    posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
  }

  size_t pages() const {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return (size_ + page - 1) / page;
  }

  // Nothing, with errno set, where the kernel does not answer.
  std::optional<size_t> resident_pages() const {
    if (descriptor_ < 0) return std::nullopt;
    if (size_ == 0) return 0;
    void* const begin = mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor_, 0);
    if (begin == MAP_FAILED) return std::nullopt;
    std::vector<unsigned char> flags(pages());
    const bool known = mincore(begin, size_, flags.data()) == 0;
    const int error = errno;
    munmap(begin, size_);
    errno = error;
    if (!known) return std::nullopt;
    return static_cast<size_t>(std::count_if(flags.begin(), flags.end(), [](unsigned char one) { return one & 1; }));
  }

 private:
  int descriptor_;
  size_t size_ = 0;
};

// Adds up the resident pages of all files; the name of a file that cannot be asked goes to `unknown`.
int64_t count_resident(const std::vector<std::string>& files, std::string& unknown) {
  int64_t sum = 0;
  for (const std::string& path : files) {
    if (const auto resident = OpenFile(path).resident_pages()) {
      sum += static_cast<int64_t>(*resident);
    } else {
      unknown = path + ": " + std::strerror(errno);
    }
  }
  return sum;
}

std::string first_resident(const std::vector<std::string>& files) {
  for (const std::string& path : files) {
    if (OpenFile(path).resident_pages().value_or(0) > 0) return path.substr(path.rfind('/') + 1);
  }
  return "";
}

}  // namespace

Cold drop_pages(const std::string& model, const std::string& packed_cache) {
  Mapped mapped;
  dl_iterate_phdr(add_library, &mapped);
  mapped.files.push_back(model);
  if (!packed_cache.empty() && file_size(packed_cache) > 0) mapped.files.push_back(packed_cache);
  Cold cold;
  cold.files = static_cast<int64_t>(mapped.files.size());
  for (const std::string& path : mapped.files) cold.pages += static_cast<int64_t>(OpenFile(path).pages());
  cold.resident_before_pages = count_resident(mapped.files, cold.unavailable);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    unmap_pages(mapped.segments);
    for (const std::string& path : mapped.files) OpenFile(path).drop();
    cold.unavailable.clear();
    cold.resident_pages = count_resident(mapped.files, cold.unavailable);
    if (!cold.unavailable.empty() || cold.resident_pages == 0) return cold;
    nanosleep(&kPause, nullptr);
  }
  cold.unavailable = std::to_string(cold.resident_pages) + " of " + std::to_string(cold.pages) +
                     " pages stayed in memory, the first of " + first_resident(mapped.files);
  return cold;
}

}  // namespace runner
