// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "peal/base/error.h"

namespace peal {

// Ends a run because of a mistake of the kernel on one core.
class KernelFailure : public RunError {
 public:
  enum class Kind : std::uint8_t { out_of_bounds, other };

  // `where` is "file:line" or what else is known.
  KernelFailure(Kind kind, int rank, int core, const std::string& what_happened,
                const std::string& where)
      : RunError("kernel error on rank " + std::to_string(rank) + " core " + std::to_string(core) +
                 ": " + what_happened + "   " + where),
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
