// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "peal/base/expression.h"
#include "peal/machine/kernel.h"

namespace peal {

// The values of a kernel's description, and the names that its expressions may use. The kernel has
// to outlive it.
class KernelValues {
 public:
  // Where they are evaluated.
  struct Point {
    std::int64_t ranks = 1, rank = 0, call = 0;
  };

  // Throws Error, which names the kernel and the value, for what makes no sense.
  explicit KernelValues(const Kernel& kernel);

  // P, rank, call, then the values in their order.
  [[nodiscard]] const std::vector<std::string_view>& names() const { return names_; }
  // What stands for them. Throws Error for a value that overflows or divides by zero.
  [[nodiscard]] std::vector<std::int64_t> evaluate(const Point& point) const;

 private:
  const Kernel& kernel_;
  std::vector<std::string_view> names_;
  std::vector<Expression> expressions_;
};

}  // namespace peal
