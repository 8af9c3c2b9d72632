// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "peal/run/platform.h"

namespace peal {

// What one launch of an algorithm's kernel does, as formulas over P (ranks), n (elements of one
// block), L = ceil(log2 P), X (1 where P is no power of two, else 0) H (1 where P is more than
// half-way to the next power of two, else 0) and Q (the largest power of two up to P).
// docs/algorithms.md states the same formulas; tests hold both against the simulator's counts.
// Puts, gets, sent and notifies are those of the busiest rank.
struct Formulas {
  const char* scratch;   // elements of each half of the window
  const char* parts;     // chunks that the scratch is cut into
  const char* signals;   // of each half
  const char* steps;     // the longest chain of notify -> wait
  const char* puts;      // writes to peers
  const char* gets;      // reads of peers
  const char* sent;      // elements that leave the rank's memory for a peer
  const char* notifies;  // to peers
  const char* copied;    // elements that a rank moves or combines within its own memory
  // Elements that the busiest rank reads from peers, where that is not as many as are sent.
  const char* read = nullptr;
  // Puts that the busiest rank waits for one by one, because each has a notify of its own.
  const char* drains = nullptr;
};

// The numbers that formulas give.
struct AlgorithmFigures {
  std::int64_t scratch = 0, parts = 0, signals = 0;
  std::int64_t steps = 0, puts = 0, gets = 0, sent = 0, notifies = 0, copied = 0, read = 0,
               drains = 0;
};

[[nodiscard]] AlgorithmFigures evaluate(const Formulas& formulas, int ranks, std::size_t count);

// The predicted time of an algorithm with these figures: a latency per step and per remote read,
// and the bytes over the busiest rank's links. Good to rank algorithms, not to plan by.
[[nodiscard]] double predict_ps(const AlgorithmFigures& figures, std::size_t element_bytes,
                                const Platform& platform);

}  // namespace peal
