// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace peal {

// How long each of at least one call took, in ns: of a collective the time of the slowest rank.
struct CallTimes {
  std::vector<std::int64_t> ns = {};

  void sort() { std::sort(ns.begin(), ns.end()); }
  // Of sorted times, in us.
  [[nodiscard]] double median_us() const { return us(ns[ns.size() / 2]); }
  [[nodiscard]] double p99_us() const { return us(ns[ns.size() - 1 - ns.size() / 100]); }

 private:
  [[nodiscard]] static double us(std::int64_t time_ns) {
    return static_cast<double>(time_ns) / 1000;
  }
};

}  // namespace peal
