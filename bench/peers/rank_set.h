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

// A set of ranks is of no further use.
class SetFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Somebody wants the run to end.
class Interrupted : public std::exception {};

// Has SIGINT, SIGTERM and SIGHUP throw Interrupted wherever something is waited for, and processes
// whose parents are gone become children of this one, so that none is lost.
void prepare_signals();
// Throws it if such a signal has come.
void check_interrupt();
// Kills all children that are left, and waits for them.
void end_children();

// Where ranks connect to.
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

// What the ranks have said of a batch: the times of each, and the words of all.
struct Batch {
  std::vector<std::vector<double>> times_ns;  // by rank
  std::uint64_t wrong = 0;
  double line_before_ns = 0, line_after_ns = 0;
};

// The processes of one set. They sleep in read() when nothing is asked of them.
class RankSet {
 public:
  // Starts them, and returns when all ranks have connected. Throws SetFailed.
  RankSet(const SetSpec& spec, std::uint32_t index, const Location& place, const Setup& setup,
          const Listener& listener);
  RankSet(const RankSet&) = delete;
  RankSet& operator=(const RankSet&) = delete;
  // Ends them: by a word, then by signals.
  ~RankSet();

  [[nodiscard]] Batch measure(const Command& command);

 private:
  void start(const std::vector<std::string>& command, const SetSpec& spec, const Location& place);
  void connect(std::uint32_t index, const Setup& setup, const Listener& listener);
  void end();
  [[nodiscard]] bool has_ended();
  [[noreturn]] void fail(const std::string& what) const;

  std::string name_, log_;
  std::vector<pid_t> launchers_;   // that have not ended
  std::vector<Channel> channels_;  // by rank
  bool idle_ = false;              // all ranks wait for a command
};

}  // namespace peal::peers
