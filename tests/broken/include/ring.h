// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "program.h"

namespace program {

// How a ring differs from the one that is right in any number of calls.
struct RingForm {
  bool zeroes_rows = false, reads_mirror = false, fills_exchange = false;
  bool one_shot = false;  // its signals count no calls
  bool barriers = false;  // a barrier in every round, and no harm in it
};

// Before a round: tells who needs to know that this rank has come so far, and waits for its like.
inline void meet(const Program& p, int round, const RingForm& form) {
  const int row = round * line;
  const int arrivals = form.barriers ? p.ranks - 1 : 1;
  drain();
  for (int k = 1; k <= arrivals; ++k) {
    notify(p.signals.of((p.me + k) % p.ranks) + row);  // told
  }
  const bool first_call = form.one_shot || form.zeroes_rows;
  wait(p.signals.own + row, arrivals * (first_call ? 1 : p.call + 1));
}

// All-reduce: every rank stages its vector; then, in P-1 rounds of reduce-scatter and P-1 of
// all-gather, it adds or copies a chunk of the rank before it. Calls use halves of the window in
// turn, and every round has a row of signals.
inline void ring(const Program& p, const RingForm& form) {
  const int chunk_length = (length + p.ranks * line - 1) / (p.ranks * line) * line;
  const int half = p.call % 2 * 2 * length, mirror = 4 * length;
  if (form.zeroes_rows) {
    for (int round = 0; round < 2 * (p.ranks - 1); ++round) {
      set(p.signals.own + round * line, 0);  // zeroed
    }
  }
  put(p.data.own + half, p.in);  // staged
  if (form.reads_mirror) put(p.data.own + mirror, p.in);
  for (int round = 0; round < 2 * (p.ranks - 1); ++round) {
    const int chunk = (p.me + 2 * p.ranks - 1 - round) % p.ranks * chunk_length;
    const int rest = length - chunk, size = rest < chunk_length ? rest : chunk_length;
    if (form.fills_exchange && size > 0) {
      put(p.data.own + mirror + chunk, p.data.own + half + chunk, size);  // exchanged
    }
    meet(p, round, form);
    if (size <= 0) continue;
    float* const own = p.data.own + half + chunk;
    float* const theirs = p.data.of(p.previous) + (form.reads_mirror ? mirror : half) + chunk;
    if (round >= p.ranks - 1) {
      get(own, theirs, size);
      continue;
    }
    load(0, own, size);
    load(1, theirs, size);  // read
    order(PIPE_MTE2, PIPE_V);
    add(0, 0, 1, size);
    order(PIPE_V, PIPE_MTE3);
    store(own, 0, size);
    order(PIPE_MTE3, PIPE_MTE2);
  }
  drain();
  put(p.out, p.data.own + half);
  drain();
}

}  // namespace program
