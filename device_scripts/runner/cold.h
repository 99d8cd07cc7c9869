// A cold start: pages of the model's file and of the runtime's libraries dropped from memory, and shown to be gone.
#pragma once

#include <cstdint>
#include <string>

namespace runner {

struct Cold {
  int64_t files = 0;
  int64_t pages = 0;                  // Of all files together.
  int64_t resident_before_pages = 0;  // In the page cache, before and after dropping.
  int64_t resident_pages = 0;
  std::string unavailable;  // Why some pages stayed, or why that is unknown; empty where none is resident.
};

// Drops the pages of `model`, of `packed_cache` where there is such a file, and of the runtime's mapped libraries;
// those of the runner itself, of the C and C++ libraries and of their loader stay, since they execute this. Call while
// no other thread runs the libraries.
Cold drop_pages(const std::string& model, const std::string& packed_cache);

}  // namespace runner
