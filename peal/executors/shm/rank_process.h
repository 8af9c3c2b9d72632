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

// Writes what this process has said and keeps in the streams of C and C++.
void flush_output();

// The processes of a team's ranks, as the process that has started them sees them. One that dies is
// reaped at once and marked in the arena, so that nobody waits for it; at the end of this object
// those that still live are killed.
class RankProcesses {
 public:
  struct Settings {
    // What texts call a rank.
    std::function<std::string(int rank)> name = [](int rank) {
      return "rank " + std::to_string(rank);
    };
    // A descriptor; once there is something to read from it, the processes are killed.
    int stop = -1;
  };
  explicit RankProcesses(const ShmArena& arena) : RankProcesses(arena, Settings()) {}
  RankProcesses(const ShmArena& arena, Settings settings)
      : arena_(arena), settings_(std::move(settings)) {}
  ~RankProcesses();
  RankProcesses(const RankProcesses&) = delete;
  RankProcesses& operator=(const RankProcesses&) = delete;

  // Forks the next rank, which runs `body` and ends with its exit code. It ends, too, when this
  // process does.
  void fork(const std::function<int()>& body);

  // Waits until all have ended; those that have not so long after one has failed are killed.
  // Returns the exit code of the rank that failed first: its own, or 128 and the signal's number,
  // and never 0; where none failed, that of the first that did not end well, or 0.
  [[nodiscard]] int wait(double grace_seconds);

 private:
  struct Process {
    pid_t pid = -1;
    int handle = -1;  // a pidfd; -1 once it is reaped
    int code = 0;     // then
  };
  void reap(std::size_t rank);
  // What wait() says of it, where it was not somebody else who heard that.
  void note_end(std::size_t rank, std::optional<int> status);
  void kill_all();
  [[nodiscard]] int code() const;

  const ShmArena& arena_;
  Settings settings_;
  std::vector<Process> processes_;
  int code_ = 0;
};

}  // namespace peal
