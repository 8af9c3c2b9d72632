// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "peal/run/platform.h"

namespace peal {

// This folder predicts what an algorithm costs: closed forms here, in the manner of the
// alpha-beta model. step_counter.h measures one of the figures, the steps, in a simulated run, so
// that tests can compare. The formulas themselves are in collectives/registry.cpp.

// The cost of one launch of an algorithm, as formulas over P (ranks), n (elements of one block),
// L = ceil(log2 P), X (0 if P is a power of two, else 1), H (1 if P is more than half-way to the
// next power of two, else 0) and Q (the largest power of two <= P). docs/algorithms.md states the
// same formulas; tests compare both with the simulator's counts. Puts, gets, sent and notifies are
// those of the busiest rank.
struct Formulas {
  const char* scratch;       // elements of one half of the scratch window
  const char* parts = "1";   // chunks that the scratch is cut into
  const char* signals;       // signals of one half
  const char* steps;         // length of the longest chain of notify -> wait
  const char* puts = "0";    // writes to peers
  const char* gets = "0";    // reads of peers
  const char* sent;          // elements that leave the rank's memory for a peer, by put or get
  const char* notifies;      // notifies to peers
  const char* copied = "0";  // elements that a rank moves or combines within its own memory
  // Elements that the busiest rank reads from peers; null: as many as `sent`.
  const char* read = nullptr;
  // Puts whose completion the busiest rank awaits one by one, because a notify of its own follows
  // each; null: 0.
  const char* drains = nullptr;
};

// The values of the formulas for given P and n.
struct AlgorithmFigures {
  std::int64_t scratch = 0, parts = 0, signals = 0;
  std::int64_t steps = 0, puts = 0, gets = 0, sent = 0, notifies = 0, copied = 0, read = 0,
               drains = 0;
};

// Evaluates the formulas for P = ranks and n = count.
[[nodiscard]] AlgorithmFigures evaluate(const Formulas& formulas, int ranks, std::size_t count);

// The predicted time of one launch in ps: latencies per step, drain and remote read, plus the
// busiest rank's bytes over its link and through its memory. Precise enough to rank algorithms, not
// to predict durations.
[[nodiscard]] double predict_ps(const AlgorithmFigures& figures, std::size_t element_bytes,
                                const Platform& platform);

}  // namespace peal
