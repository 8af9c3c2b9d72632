// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/peers/contestants.h"
#include "bench/peers/operation.h"

namespace peal::peers {

// What is to be measured.
struct RacePlan {
  int ranks = 2;
  std::vector<Operation> operations;
  std::vector<Regime> regimes;
  std::vector<std::uint64_t> sizes;          // bytes that were asked for
  std::uint64_t max_untouched = UINT64_MAX;  // bytes in that regime
  std::uint64_t seconds = 0;                 // no round is begun that would end after it
  std::optional<std::uint64_t> rounds;
  std::string peal;  // the command
  std::vector<std::string> wanted;
  bool spinner = false;  // another process that uses a processor all the time

  [[nodiscard]] bool has(Regime regime, std::uint64_t size) const {
    return regime == Regime::touched || size <= max_untouched;
  }
  // Elements of a block, so that the larger side of a rank has at most the size, but an element.
  [[nodiscard]] std::uint64_t count(Operation operation, std::uint64_t size) const;
  // What the larger side then has.
  [[nodiscard]] std::uint64_t size_bytes(Operation operation, std::uint64_t size) const;
};

// One batch of one contestant. The time of a call is the mean of its ranks' times. For the limit,
// where nobody waits for the slowest rank, it is that rank's time, and no less than what all ranks
// together take on the processors.
struct Record {
  std::size_t contestant = 0;
  std::size_t size = 0;  // index
  Operation operation{};
  Regime regime{};
  std::uint64_t round = 0;
  double line_before_ns = 0, line_after_ns = 0;
  std::vector<float> times_ns;
  std::uint64_t wrong = 0;
  bool quiet = false;  // nothing else ran on the machine before it, nor after it
};

struct RaceResult {
  Field field;
  std::vector<Record> records;
  std::vector<std::string> failures;  // of contestants, a sentence each
  std::uint64_t rounds = 0;           // that are complete
  bool interrupted = false;
};

// Starts everybody, and has them take turns: round after round, and in each every contestant has
// one batch of everything. Progress goes to stderr. Nothing that was started is left at the end.
[[nodiscard]] RaceResult race(const RacePlan& plan);

}  // namespace peal::peers
