// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/failure_place.h"

namespace peal {

// The sentence for a mistake of a kernel. `rank` and `core` are negative if unknown.
[[nodiscard]] inline std::string kernel_error_text(int rank, int core, const std::string& what,
                                                   const FailurePlace& place) {
  std::string text = "kernel error";
  if (rank >= 0) text += " on rank " + std::to_string(rank) + " core " + std::to_string(core);
  text += ": " + what;
  return place.is_known() ? text + "   " + describe(place) : text;
}

// Thrown when a mistake of the kernel on one core ends the run. what() is kernel_error_text(), for
// callers that know the ranks by their numbers; others use the members.
class KernelFailure : public RunError {
 public:
  enum class Kind : std::uint8_t { out_of_bounds, other };

  KernelFailure(Kind kind, int rank, int core, const std::string& what_happened, FailurePlace place)
      : RunError(kernel_error_text(rank, core, what_happened, place)),
        kind_(kind),
        rank_(rank),
        core_(core),
        what_happened_(what_happened),
        place_(std::move(place)) {}

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int core() const { return core_; }
  [[nodiscard]] const std::string& what_happened() const { return what_happened_; }
  [[nodiscard]] const FailurePlace& place() const { return place_; }

 private:
  Kind kind_;
  int rank_, core_;
  std::string what_happened_;
  FailurePlace place_;
};

}  // namespace peal
