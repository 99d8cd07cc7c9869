// The functions of LiteRT's C interface that the runner calls; its wheel ships no header.
#pragma once

#include <cstddef>
#include <cstdint>

namespace runner::litert {

constexpr size_t kLargestRank = 8;

struct Layout {
  unsigned rank : 7;
  bool has_strides : 1;
  int32_t sizes[kLargestRank];
  uint32_t strides[kLargestRank];
};

struct TensorType {
  int element;
  Layout layout;
};

constexpr int kFloat = 1;
constexpr int kCpu = 1;
// Statuses: 0 is success.
constexpr int kOk = 0;

extern "C" {
int LiteRtCreateEnvironment(int options, const void* values, void** made);
int LiteRtCreateModelFromFile(void* environment, const char* path, void** made);
int LiteRtGetMainModelSubgraphIndex(void* model, size_t* found);
int LiteRtGetModelSubgraph(void* model, size_t index, void** found);
int LiteRtGetNumSubgraphInputs(void* subgraph, size_t* found);
int LiteRtGetNumSubgraphOutputs(void* subgraph, size_t* found);
int LiteRtGetSubgraphInput(void* subgraph, size_t index, void** found);
int LiteRtGetSubgraphOutput(void* subgraph, size_t index, void** found);
int LiteRtGetRankedTensorType(void* tensor, TensorType* found);
int LiteRtCreateOptions(void** made);
int LiteRtSetOptionsHardwareAccelerators(void* options, int accelerators);
int LiteRtCreateOpaqueOptions(const char* kind, void* text, void (*free_text)(void*), void** made);
int LiteRtAddOpaqueOptions(void* options, void* added);
int LiteRtCreateCompiledModel(void* environment, void* model, void* options, void** made);
int LiteRtCreateTensorBufferFromHostMemory(const TensorType* type, void* memory, size_t bytes,
                                           void (*free_memory)(void*), void** made);
int LiteRtRunCompiledModel(void* compiled, size_t signature, size_t inputs, void** fed, size_t outputs, void** given);
}

}  // namespace runner::litert
