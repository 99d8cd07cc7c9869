#include "batch.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

#include "clock.h"
#include "files.h"
#include "report.h"

namespace runner {
namespace {

struct Close {
  void operator()(FILE* file) const { fclose(file); }
};

// Tensors one after the other, as float32 or as bytes to be scaled.
class BatchReader {
 public:
  BatchReader(const Options& options, Model& model)
      : options_(options), model_(model), bytes_(options.batch_scale ? model.input_bytes() / sizeof(float) : 0) {}

  MaybeFailure open(size_t& tensors) {
    const int64_t size = file_size(options_.batch_input);
    file_.reset(size < 0 ? nullptr : fopen(options_.batch_input.c_str(), "rb"));
    if (file_ == nullptr) {
      return refusal(std::string("cannot be read: ") + std::strerror(errno));
    }
    const size_t tensor_bytes = bytes_.empty() ? model_.input_bytes() : bytes_.size();
    tensors = static_cast<size_t>(size) / tensor_bytes;
    if (tensors == 0 || static_cast<size_t>(size) % tensor_bytes != 0) {
      return refusal("holds " + std::to_string(size) + " bytes, not a multiple of the " + std::to_string(tensor_bytes) +
                     " bytes of one input");
    }
    return std::nullopt;
  }

  MaybeFailure read_next() {
    const bool packed = !bytes_.empty();
    void* target = packed ? bytes_.data() : input();
    const size_t size = packed ? bytes_.size() : model_.input_bytes();
    if (fread(target, 1, size, file_.get()) != size) {
      return refusal("ended early");
    }
    for (size_t i = 0; i < bytes_.size(); ++i) {
      reinterpret_cast<float*>(input())[i] =
          static_cast<float>(bytes_[i]) * *options_.batch_scale + options_.batch_offset;
    }
    return std::nullopt;
  }

 private:
  uint8_t* input() const { return model_.inputs()[0].data(); }

  Failure refusal(const std::string& what) const {
    return {ExitCode::kBadInput, "batch input " + options_.batch_input + " " + what};
  }

  const Options& options_;
  Model& model_;
  std::vector<uint8_t> bytes_;
  std::unique_ptr<FILE, Close> file_;
};

MaybeFailure infer(Model& model, size_t tensor) {
  if (auto failure = model.feed_inputs()) return failure;
  if (!model.execute()) {
    return Failure{ExitCode::kExecutionFailed, "inference " + std::to_string(tensor) + " failed: " + runtime_error()};
  }
  return check_output_finite(model);
}

}  // namespace

MaybeFailure evaluate_batch(const Options& options, Model& model) {
  if (auto failure = model.refuse_unless_plain()) return failure;
  BatchReader reader(options, model);
  size_t tensors = 0;
  if (auto failure = reader.open(tensors)) return failure;
  CompleteFile output(options.batch_output);
  if (auto failure = output.open()) return failure;
  const int64_t begin = now_ns();
  for (size_t tensor = 0; tensor < tensors; ++tensor) {
    if (auto failure = reader.read_next()) return failure;
    if (auto failure = infer(model, tensor)) return failure;
    if (auto failure = output.write(model.output(0).const_data_ptr(), model.output(0).nbytes())) return failure;
  }
  if (auto failure = output.finish()) return failure;
  return write_batch_report(options.report, model, tensors, now_ns() - begin);
}

}  // namespace runner
