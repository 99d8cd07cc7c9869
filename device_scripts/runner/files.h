// Files that are whole or not there.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "failure.h"

namespace runner {

// The size of a regular file in bytes; -1 with errno set when it is not a regular file or cannot be read.
int64_t file_size(const std::string& path);

// A file that appears under its name only when it is complete and on the disk.
class CompleteFile {
 public:
  explicit CompleteFile(const std::string& path) : path_(path), partial_(path + ".partial") {}
  ~CompleteFile();
  CompleteFile(const CompleteFile&) = delete;
  CompleteFile& operator=(const CompleteFile&) = delete;

  MaybeFailure open();
  MaybeFailure write(const void* data, size_t size);
  MaybeFailure finish();

 private:
  Failure refusal() const;

  std::string path_;
  std::string partial_;
  FILE* file_ = nullptr;
};

}  // namespace runner
