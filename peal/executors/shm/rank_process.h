// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/executors/shm/memory/arena.h"

namespace peal {

// Flushes the output streams of C and C++.
void flush_output();

// The processes of a team's ranks, in the process that starts them. While wait() runs, a process
// that ends is reaped at once, and recorded in the arena as a failure if it had not finished, so
// that its peers' waits end. The destructor kills the processes that are left.
class RankProcesses {
 public:
  struct Settings {
    // A rank's name in reports.
    std::function<std::string(int rank)> name = [](int rank) {
      return "rank " + std::to_string(rank);
    };
    // A file descriptor, or -1. Once it is readable or closed at its other end, all processes are
    // killed.
    int stop = -1;
  };
  explicit RankProcesses(const ShmArena& arena) : RankProcesses(arena, Settings()) {}
  RankProcesses(const ShmArena& arena, Settings settings)
      : arena_(arena), settings_(std::move(settings)) {}
  ~RankProcesses();
  RankProcesses(const RankProcesses&) = delete;
  RankProcesses& operator=(const RankProcesses&) = delete;

  // Forks the next rank's process, which runs `body` and exits with what it returns. The system
  // kills it when this process ends. Throws Error if the system refuses.
  void fork(const std::function<int()>& body);

  // Waits until all processes have ended, and kills those that are left `grace_seconds` after a
  // failure. Returns the exit code of the rank that failed first: its own or 128 plus the number of
  // the signal, never 0. If none failed, returns the first exit code that is not 0, or else 0.
  [[nodiscard]] int wait(double grace_seconds);

 private:
  struct Process {
    pid_t pid = -1;
    int handle = -1;  // a pidfd; -1 once it is reaped
    int code = 0;     // the exit code, once it is reaped
  };
  void reap(std::size_t rank);
  // Records the end of a rank's process. `status` is that of waitpid(2), or nullopt if other code
  // of this process, or the system, has reaped it.
  void note_end(std::size_t rank, std::optional<int> status);
  void kill_all();
  [[nodiscard]] int code() const;

  const ShmArena& arena_;
  Settings settings_;
  std::vector<Process> processes_;
  int code_ = 0;
};

}  // namespace peal
