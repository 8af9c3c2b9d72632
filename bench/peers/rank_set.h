// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/peers/contestants.h"
#include "bench/peers/protocol.h"

namespace peal::peers {

// Thrown if a set of ranks has failed and cannot be used any more.
class SetFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Thrown after a signal that asks the run to end.
class Interrupted : public std::exception {};

// Installs handlers, so that all waits here throw Interrupted after SIGINT, SIGTERM or SIGHUP.
// Makes this process the subreaper of its descendants, so that it can end orphans among them.
void prepare_signals();
// Throws Interrupted if such a signal has arrived.
void check_interrupt();
// Kills all remaining children and waits for them.
void end_children();

// The socket that ranks connect to.
class Listener {
 public:
  explicit Listener(const std::string& path);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();
  // The next connection, or a closed one when none has come in 100 ms.
  [[nodiscard]] Channel accept() const;

 private:
  int socket_;
};

// The replies of all ranks to a batch.
struct Batch {
  std::vector<std::vector<double>> times_ns;  // by rank
  std::uint64_t wrong = 0;
  double line_before_ns = 0, line_after_ns = 0;
};

// The processes of one set. They sleep in read() between commands.
class RankSet {
 public:
  // Starts the processes and returns when all ranks have connected. Throws SetFailed.
  RankSet(const SetSpec& spec, std::uint32_t index, const Location& place, const Setup& setup,
          const Listener& listener);
  RankSet(const RankSet&) = delete;
  RankSet& operator=(const RankSet&) = delete;
  // Ends the processes: by Action::quit, and if that does not help by signals.
  ~RankSet();

  [[nodiscard]] Batch measure(const Command& command);

 private:
  void start(const std::vector<std::string>& command, const SetSpec& spec, const Location& place);
  void connect(std::uint32_t index, const Setup& setup, const Listener& listener);
  void end();
  [[nodiscard]] bool has_ended();
  [[noreturn]] void fail(const std::string& what) const;

  std::string name_, log_;
  std::vector<pid_t> launchers_;   // processes that have not ended
  std::vector<Channel> channels_;  // by rank
  bool idle_ = false;              // true if all ranks wait for a command
};

}  // namespace peal::peers
