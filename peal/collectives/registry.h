// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "peal/collectives/collective.h"
#include "peal/kernels/args.h"
#include "peal/machine/device.h"
#include "peal/machine/platform.h"

namespace peal {

// What one launch of an algorithm's kernel does, as formulas over P (ranks), n (elements of one
// block) and L = ceil(log2 P). docs/algorithms.md states the same formulas; tests hold both against
// the simulator's counts. Puts, gets, sent and notifies are those of the busiest rank.
struct Formulas {
  const char* scratch;   // elements of each half of the window
  const char* parts;     // chunks that the scratch is cut into
  const char* signals;   // of each half
  const char* steps;     // the longest chain of notify -> wait
  const char* puts;      // writes to peers
  const char* gets;      // reads of peers
  const char* sent;      // elements that leave the rank's memory for a peer
  const char* notifies;  // to peers
};

struct Algorithm {
  Collective collective{};
  const char* name = "";
  void (*launch)(Device& self, const KernelCall& call) = nullptr;
  bool data_in_window = false;  // peers write to the data itself, so it must be staged
  Formulas formulas{};
};

// The numbers that an algorithm's formulas give.
struct AlgorithmFigures {
  std::int64_t scratch = 0, parts = 0, signals = 0;
  std::int64_t steps = 0, puts = 0, gets = 0, sent = 0, notifies = 0;
};

[[nodiscard]] std::span<const Algorithm> algorithms();
[[nodiscard]] const Algorithm& find_algorithm(Collective collective, std::string_view name);
[[nodiscard]] AlgorithmFigures figures(const Algorithm& algorithm, int ranks, std::size_t count);

// The algorithm that the closed forms predict to be fastest for blocks of `count` elements.
[[nodiscard]] const Algorithm& choose_algorithm(Collective collective, int ranks, std::size_t count,
                                                DType dtype, const Platform& platform);

}  // namespace peal
