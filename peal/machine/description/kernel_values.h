// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "peal/base/expression.h"
#include "peal/machine/kernel.h"

namespace peal {

// Folder description/: evaluates the expressions in a kernel's description (machine/kernel.h). This
// file has its values; described_arguments.h, which is next, gives a kernel its arguments by name.

// The named values of a kernel's description, and the names that its expressions may use. The
// kernel must outlive this object.
class KernelValues {
 public:
  // The rank and call that values are evaluated for.
  struct Point {
    std::int64_t ranks = 1, rank = 0, call = 0;
  };

  // Throws Error, naming the kernel and the value, for an invalid name or expression.
  explicit KernelValues(const Kernel& kernel);

  // P, rank, call, then the names of the values in order.
  [[nodiscard]] const std::vector<std::string_view>& names() const { return names_; }
  // The numbers that these names have at `point`, in the same order. Throws Error if a value
  // overflows or divides by zero.
  [[nodiscard]] std::vector<std::int64_t> evaluate(const Point& point) const;

 private:
  const Kernel& kernel_;
  std::vector<std::string_view> names_;
  std::vector<Expression> expressions_;
};

}  // namespace peal
