// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "peal/checks/finding.h"
#include "peal/search/one_run.h"

namespace peal {

// An element in which the outputs of two runs differ: the first that is not mild, or, if all are
// mild, the first one.
struct Difference {
  std::size_t output = 0, element = 0;
  double first = 0, other = 0;
  bool is_mild = true;  // within the tolerance that another order of float additions explains
};
// nullopt if they are equal. Both runs must have the same outputs in the same order.
[[nodiscard]] std::optional<Difference> find_difference(const std::vector<WrittenOutput>& first,
                                                        const std::vector<RunOutput>& other);
// The finding for such a difference: `first` and `other` are the same output under two schedules.
[[nodiscard]] Finding unstable(const Difference& difference, const WrittenOutput& first,
                               const std::string& first_schedule, const WrittenOutput& other,
                               const std::string& schedule);

}  // namespace peal
