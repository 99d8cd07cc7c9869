// The functions of ONNX Runtime's C interface that the runner calls.
//
// Its wheel ships no header. The interface is a table of functions to which versions only append, so that a
// function's place in it never changes; these are places and types of version 17 of the table.
#pragma once

#include <cstddef>
#include <cstdint>

namespace runner::ort {

// A status is null where a call worked.
using Status = void*;

struct Table {
  const void* const* functions = nullptr;

  template <typename Function>
  Function* at(size_t place) const {
    return reinterpret_cast<Function*>(const_cast<void*>(functions[place]));
  }

  const char* message(Status status) const { return at<const char*(Status)>(2)(status); }
  Status create_environment(int level, const char* name, void** made) const {
    return at<Status(int, const char*, void**)>(3)(level, name, made);
  }
  Status create_session(void* environment, const char* path, void* options, void** made) const {
    return at<Status(void*, const char*, void*, void**)>(7)(environment, path, options, made);
  }
  Status run(void* session, const char* const* inputs, void* const* fed, const char* const* outputs,
             void** given) const {
    using Run = Status(void*, void*, const char* const*, void* const*, size_t, const char* const*, size_t, void**);
    return at<Run>(9)(session, nullptr, inputs, fed, 1, outputs, 1, given);
  }
  Status create_options(void** made) const { return at<Status(void**)>(10)(made); }
  Status set_threads(void* options, int threads) const { return at<Status(void*, int)>(24)(options, threads); }
  Status count(bool inputs, void* session, size_t* found) const {
    return at<Status(void*, size_t*)>(inputs ? 30 : 31)(session, found);
  }
  Status type_of(bool input, void* session, void** made) const {
    return at<Status(void*, size_t, void**)>(input ? 33 : 34)(session, 0, made);
  }
  Status create_tensor(void* memory, void* data, size_t bytes, const int64_t* sizes, size_t rank, int type,
                       void** made) const {
    using Create = Status(void*, void*, size_t, const int64_t*, size_t, int, void**);
    return at<Create>(49)(memory, data, bytes, sizes, rank, type, made);
  }
  Status tensor_info(void* type, void** found) const { return at<Status(void*, void**)>(55)(type, found); }
  Status element_type(void* info, int* found) const { return at<Status(void*, int*)>(60)(info, found); }
  Status rank(void* info, size_t* found) const { return at<Status(void*, size_t*)>(61)(info, found); }
  Status sizes(void* info, int64_t* found, size_t rank) const {
    return at<Status(void*, int64_t*, size_t)>(62)(info, found, rank);
  }
  Status create_memory_info(void** made) const { return at<Status(int, int, void**)>(69)(1, 0, made); }
};

struct Base {
  const void* const* (*table)(uint32_t version);
  const char* (*version)();
};

constexpr uint32_t kVersion = 17;
constexpr int kFloat = 1;
constexpr int kErrors = 3;

extern "C" const Base* OrtGetApiBase();

inline Table table() {
  return {OrtGetApiBase()->table(kVersion)};
}

}  // namespace runner::ort
