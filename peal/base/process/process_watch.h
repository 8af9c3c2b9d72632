// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "peal/base/process/last_words.h"

namespace peal {

// Watches a forked process until it has ended, and ends it where it would not by itself:
// - it waits for something of the system, or is stopped, for `blocked_seconds`; while kernels run,
//   for twice their limit and at least 5 s;
// - kernels run, and take more processor time than their limit without coming on. That the process
//   should have found itself, but a kernel may have blocked its signals;
// - it has said what went wrong, and takes longer than a moment to say it in full.
// Time counts by looks, each of which counts little however long ago the one before was, so that a
// job that is stopped as a whole, and goes on later, has lost nothing. A process that a debugger
// looks at may take its time.
class ProcessWatch {
 public:
  // `from` is the reading end of a pipe that the process writes to.
  ProcessWatch(pid_t process, int from, LastWords& words, double blocked_seconds);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  // What the process has written by its end. Leaves the process to be waited for. What it was ended
  // for is in `words.stall`.
  [[nodiscard]] std::string read();

 private:
  enum class State { runs, sleeps, waits_for_device, stopped };

  [[nodiscard]] State state() const;
  [[nodiscard]] bool has_ended() const;
  void read_available(std::string& text);
  void look();
  void judge(double elapsed);
  void end_for(Stall stall);
  void ask();

  pid_t process_;
  int from_;
  int handle_;  // readable when the process has ended; -1 where the system has no such thing
  LastWords& words_;
  double blocked_seconds_;
  std::chrono::steady_clock::time_point last_look_ = std::chrono::steady_clock::now();
  double used_ = 0,
         used_at_move_ = 0;  // processor time, at the last look, and when it last came on
  double guarded_seconds_ = 0;
  std::uint32_t moves_ = 0;
  double waited_seconds_ = 0, reporting_seconds_ = 0, ending_seconds_ = 0;
};

}  // namespace peal
