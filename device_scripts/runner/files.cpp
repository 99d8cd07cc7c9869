#include "files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace runner {

int64_t file_size(const std::string& path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) {
    return -1;
  }
  if (!S_ISREG(facts.st_mode)) {
    errno = S_ISDIR(facts.st_mode) ? EISDIR : EINVAL;
    return -1;
  }
  return facts.st_size;
}

CompleteFile::~CompleteFile() {
  if (file_ != nullptr) {
    fclose(file_);
    unlink(partial_.c_str());
  }
}

MaybeFailure CompleteFile::open() {
  file_ = fopen(partial_.c_str(), "wb");
  return file_ == nullptr ? MaybeFailure(refusal()) : std::nullopt;
}

MaybeFailure CompleteFile::write(const void* data, size_t size) {
  return fwrite(data, 1, size, file_) == size ? std::nullopt : MaybeFailure(refusal());
}

MaybeFailure CompleteFile::finish() {
  if (fflush(file_) != 0 || fsync(fileno(file_)) != 0 || rename(partial_.c_str(), path_.c_str()) != 0) {
    return refusal();
  }
  fclose(file_);
  file_ = nullptr;
  return std::nullopt;
}

Failure CompleteFile::refusal() const {
  return {ExitCode::kUnwritableOutput, "cannot write " + path_ + ": " + std::strerror(errno)};
}

}  // namespace runner
