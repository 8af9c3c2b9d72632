// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "peal/base/failure_place.h"

namespace peal {

// This folder runs code that may crash, hang or end the process, in a watched fork. Read this
// header first, then last_words.h (the record that fork and watcher share), process_watch.h (the
// watchdog) and descendants.h (processes that the fork leaves behind).
//
// How a forked process ended: with its answer, or without one, and then why.
struct WatchedEnd {
  bool has_answered = false;
  std::string answer;  // what `work` returned, if has_answered
  // Otherwise the reason, such as "it ends the process with exit code 3", and the place if known.
  std::string what;
  int rank = -1, core = -1;  // -1 if unknown
  FailurePlace place = {};
};

// Runs `work` in a forked process and returns how that ended. The process may crash, exit, or stall
// (process_watch.h says when it is killed); processes that it leaves behind are killed. `work` must
// not throw. Precondition: can_watch(). Throws Error if no process can be made.
[[nodiscard]] WatchedEnd run_watched(const std::function<std::string()>& work,
                                     double blocked_seconds);

// For how many seconds kernels with that limit of processor time may sleep in the system.
[[nodiscard]] double max_blocked_seconds(double limit_seconds);

// Carry an exception across the process boundary. answer_or_error() runs `work` in the fork and
// encodes its result or its exception; answer_of() decodes that here, and returns the result or
// throws. Error, QuotedError and std::bad_alloc keep their type; others become std::runtime_error.
[[nodiscard]] std::string answer_or_error(const std::function<std::string()>& work);
[[nodiscard]] std::string answer_of(const WatchedEnd& end);

// True if this process may fork processes to run kernels in. It must have a single thread, because
// a lock that another thread holds would stay locked in the fork; and no debugger, which would not
// follow the fork.
[[nodiscard]] bool can_watch();

// Makes can_watch() false from now on, for the whole process.
void run_in_process();

}  // namespace peal
