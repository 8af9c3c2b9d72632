// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "peal/base/error.h"
#include "peal/base/source_place.h"

namespace peal {

// The sentence for a mistake of a kernel. `rank` and `core` are negative if unknown; `where` is
// "file:line", "after file:line", or empty.
[[nodiscard]] inline std::string kernel_error_text(int rank, int core, const std::string& what,
                                                   const std::string& where) {
  std::string text = "kernel error";
  if (rank >= 0) text += " on rank " + std::to_string(rank) + " core " + std::to_string(core);
  text += ": " + what;
  return where.empty() ? text : text + "   " + where;
}

// "after file:line" for the kernel's last instruction; empty if it has issued none.
[[nodiscard]] inline std::string after(SourcePlace place) {
  if (place.file == nullptr || *place.file == '\0') return {};
  return std::string("after ") + place.file + ":" + std::to_string(place.line);
}

// Thrown when a mistake of the kernel on one core ends the run.
class KernelFailure : public RunError {
 public:
  enum class Kind : std::uint8_t { out_of_bounds, other };

  KernelFailure(Kind kind, int rank, int core, const std::string& what_happened,
                const std::string& where)
      : RunError(kernel_error_text(rank, core, what_happened, where)),
        kind_(kind),
        rank_(rank),
        core_(core),
        what_happened_(what_happened),
        where_(where) {
    const std::size_t colon = where.rfind(':');
    if (colon == std::string::npos) return;
    const std::string number = where.substr(colon + 1);
    if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) return;
    file_ = where.substr(where.starts_with("after ") ? 6 : 0,
                         colon - (where.starts_with("after ") ? 6 : 0));
    line_ = static_cast<std::uint32_t>(std::stoul(number));
  }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int core() const { return core_; }
  [[nodiscard]] const std::string& what_happened() const { return what_happened_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const std::string& file() const { return file_; }  // empty where unknown
  [[nodiscard]] std::uint32_t line() const { return line_; }

 private:
  Kind kind_;
  int rank_, core_;
  std::string what_happened_, where_, file_;
  std::uint32_t line_ = 0;
};

}  // namespace peal
