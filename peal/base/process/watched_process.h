// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace peal {

// How a process ended that was to give an answer.
struct WatchedEnd {
  bool has_answered = false;
  std::string answer;  // what `work` returned, where it has
  // Where it has not: "it ends the process with exit code 3", and what is known of where.
  std::string what;
  int rank = -1, core = -1;  // -1 where unknown
  std::string where;         // "file:line", or empty
};

// Runs `work` in a forked process and returns its answer, whatever becomes of that process: it may
// crash, end itself, or stand still (process_watch.h). Processes that it leaves behind are ended,
// too. `work` must not throw.
[[nodiscard]] WatchedEnd run_watched(const std::function<std::string()>& work,
                                     double blocked_seconds);

// For how long kernels whose limit of processor time is that may wait for something of the system.
[[nodiscard]] double max_blocked_seconds(double limit_seconds);

// For `work` that throws: what it returns, or what it has thrown, as an answer; and the answer out
// of that, or the same error thrown again. Of errors that are not Peal's the text alone crosses.
[[nodiscard]] std::string answer_or_error(const std::function<std::string()>& work);
[[nodiscard]] std::string answer_of(const WatchedEnd& end);

// Whether processes may be forked off this one for kernels to run in: it has one thread, so that no
// lock is held in the copy for good, and no debugger, which looks at this process alone.
[[nodiscard]] bool can_watch();

// Turns run_watched off for this process: can_watch() is false from now on.
void run_in_process();

}  // namespace peal
