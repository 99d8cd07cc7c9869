// How the runner ends when it cannot do its job: one line on stderr and a distinct exit code.
#pragma once

#include <optional>
#include <string>

namespace runner {

enum class ExitCode : int {
  kDone = 0,
  kUsage = 2,
  kBadModel = 3,
  kBadInput = 4,
  kUnwritableOutput = 5,
  kExecutionFailed = 6,
  kThreadsOrAffinity = 7,
};

struct Failure {
  ExitCode code;
  std::string message;  // One line, without a trailing newline.
};

// What a step returns: nothing when it worked.
using MaybeFailure = std::optional<Failure>;

}  // namespace runner
