// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "peal/base/process/last_words.h"

namespace peal {

// The watchdog of a forked process: samples it until it has ended, and kills it if
// - it sleeps in the system, or is stopped, for `blocked_seconds`; while kernels run, for twice
//   their limit, at least 5 s, and at most `blocked_seconds`;
// - kernels run, and use more processor time than their limit without progress. The process should
//   have noticed itself, but a kernel may have blocked its signals;
// - it has published its failure, and takes too long to write the full report.
// Time is the sum of the intervals between samples, each capped at 0.3 s: if the whole job is
// suspended and continued, the pause counts as one short interval. A process that a debugger traces
// is not killed for a stall.
class ProcessWatch {
 public:
  // `from` is the reading end of a pipe that the process writes to.
  ProcessWatch(pid_t process, int from, LastWords& words, double blocked_seconds);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  // Watches the process until its end, and returns what it has written to the pipe. The caller has
  // to wait for the process. If it was killed for a stall, `words.stall` says which.
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
  int handle_;  // a pidfd, readable once the process has ended; -1 on systems without pidfds
  LastWords& words_;
  double blocked_seconds_;
  std::chrono::steady_clock::time_point last_look_ = std::chrono::steady_clock::now();
  double used_ = 0,
         used_at_move_ = 0;  // processor time at the last sample, and at the last progress
  double guarded_seconds_ = 0;
  std::uint32_t moves_ = 0;
  double waited_seconds_ = 0, reporting_seconds_ = 0, ending_seconds_ = 0;
};

}  // namespace peal
