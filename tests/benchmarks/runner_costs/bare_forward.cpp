// The loop anybody would write: ExecuTorch's Module::forward between two readings of the clock.
// bare_forward MODEL INPUT WARMUP ITERATIONS: prints the nanoseconds of each iteration, one thread.

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "threads.h"

using executorch::extension::Module;

int main(int argc, char** argv) {
  if (argc != 5 || runner::set_threads(1)) {
    return 2;
  }
  std::ifstream file(argv[2], std::ios::binary);
  std::vector<char> input((std::istreambuf_iterator<char>(file)), {});
  Module module(argv[1], Module::LoadMode::Mmap);
  const auto meta = module.method_meta("forward");
  if (!meta.ok()) {
    return 3;
  }
  const auto info = meta->input_tensor_meta(0);
  const auto tensor = executorch::extension::make_tensor_ptr({info->sizes().begin(), info->sizes().end()}, input.data(),
                                                             {info->dim_order().begin(), info->dim_order().end()}, {},
                                                             executorch::aten::ScalarType::Float);
  const int warmup = std::atoi(argv[3]);
  std::vector<long long> latencies;
  for (int i = 0; i < warmup + std::atoi(argv[4]); ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto output = module.forward(tensor);
    const auto end = std::chrono::steady_clock::now();
    if (!output.ok()) {
      return 6;
    }
    if (i >= warmup) {
      latencies.push_back(std::chrono::nanoseconds(end - begin).count());
    }
  }
  for (const long long latency : latencies) {
    std::printf("%lld\n", latency);
  }
}
