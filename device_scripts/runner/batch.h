// Evaluation: every tensor of a file through the model once, every output into another file.
#pragma once

#include "failure.h"
#include "model.h"
#include "options.h"

namespace runner {

// Writes the outputs back to back as float32 and a small report beside them.
MaybeFailure evaluate_batch(const Options& options, Model& model);

}  // namespace runner
