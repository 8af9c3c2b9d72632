// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "peal/checks/finding.h"
#include "peal/search/one_run.h"

namespace peal {

// The first element in which two runs' outputs differ, if any.
struct Difference {
  std::size_t output = 0, element = 0;
  double first = 0, other = 0;
  bool is_mild = true;  // within what another order of float additions can give
};
[[nodiscard]] std::optional<Difference> find_difference(const std::vector<WrittenOutput>& first,
                                                        const std::vector<RunOutput>& other);
// The finding that it is, of the same output under two schedules.
[[nodiscard]] Finding unstable(const Difference& difference, const WrittenOutput& first,
                               const std::string& first_schedule, const WrittenOutput& other,
                               const std::string& schedule);

}  // namespace peal
