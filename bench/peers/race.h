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

// What a race measures.
struct RacePlan {
  int ranks = 2;
  std::vector<Operation> operations;
  std::vector<Regime> regimes;
  std::vector<std::uint64_t> sizes;          // requested sizes in bytes
  std::uint64_t max_untouched = UINT64_MAX;  // largest size in bytes of the untouched regime
  std::uint64_t seconds = 0;                 // no round starts that would end later
  std::optional<std::uint64_t> rounds;
  std::string peal;  // path of the command `peal`
  std::vector<std::string> wanted;
  bool spinner = false;  // run another process that keeps one processor busy

  [[nodiscard]] bool has(Regime regime, std::uint64_t size) const {
    return regime == Regime::touched || size <= max_untouched;
  }
  // The elements of a block, such that the larger of a rank's send and recv has at most `size`
  // bytes; at least 1.
  [[nodiscard]] std::uint64_t count(Operation operation, std::uint64_t size) const;
  // The resulting size of the larger of a rank's send and recv, in bytes.
  [[nodiscard]] std::uint64_t size_bytes(Operation operation, std::uint64_t size) const;
};

// One batch of one contestant. The time of a call is the mean of its ranks' times. For the limit,
// whose ranks do not synchronise, it is the slowest rank's time, and at least the sum of all times
// divided by the number of processors.
struct Record {
  std::size_t contestant = 0;
  std::size_t size = 0;  // index
  Operation operation{};
  Regime regime{};
  std::uint64_t round = 0;
  double line_before_ns = 0, line_after_ns = 0;
  std::vector<float> times_ns;
  std::uint64_t wrong = 0;
  bool quiet = false;  // no other work ran on the machine before and after the batch
};

struct RaceResult {
  Field field;
  std::vector<Record> records;
  std::vector<std::string> failures;  // one sentence per failed contestant
  std::uint64_t rounds = 0;           // number of complete rounds
  bool interrupted = false;
};

// Starts all contestants and runs the rounds; in each round every contestant has one batch of each
// operation, size and regime. Progress goes to stderr. All started processes end before it returns.
[[nodiscard]] RaceResult race(const RacePlan& plan);

}  // namespace peal::peers
