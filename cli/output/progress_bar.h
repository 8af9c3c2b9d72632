// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace peal {

// A progress bar on stderr for work of estimated amount `total`. It appears after two seconds, only
// on a terminal, and is erased at the end.
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
