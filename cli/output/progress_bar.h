// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace peal {

// A bar on stderr for work of which `total` is to be done, about. It appears when the work has
// taken two seconds, only on a terminal, and is wiped when it ends.
class ProgressBar {
 public:
  explicit ProgressBar(double total);
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(double done);
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  const double total_;
  const bool terminal_;
  Clock::time_point next_draw_;
  bool drawn_ = false;
};

}  // namespace peal
