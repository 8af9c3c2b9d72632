// SPDX-License-Identifier: Apache-2.0
// A mixture of experts: every token's row goes to the ranks of its K experts, and their answers
// come back and are added up.
// Steps: counts to all, rows there, a barrier, rows back, a barrier.
// Bytes: a rank puts T K rows of D bf16 and, on average, as many of D floats.
// Needs: D a multiple of 16, and a window for the rows of all ranks: one expert may get them all.
#include "collective.h"

namespace {

using namespace collective;

constexpr int pad = 8;  // elements of 4 bytes in the smallest burst, 32 bytes

// A rank's part of the window.
struct Window {
  __gm__ bfloat16_t* rows;  // received, by expert, then by sender
  __gm__ float* weights;    // theirs, each padded
  __gm__ int32_t* places;   // and which of the sender's routes each is, padded
  __gm__ float* answers;    // to this rank's own routes, in their order
  __gm__ int32_t* counts;   // of the rows from each rank for each expert, each plus 1
  __gm__ int32_t* arrived;  // the barrier's
};

struct Sizes {
  int ranks, tokens, top, columns, local_experts;
  AICORE int experts() const { return ranks * local_experts; }
  AICORE int routes() const { return tokens * top; }
};

AICORE Window window_at(__gm__ float* first, const Sizes& sizes, int call) {
  const int most = sizes.ranks * sizes.routes();
  const int counts = rounded_up(sizes.ranks * sizes.experts(), line_signals);
  Window window;
  window.rows = reinterpret_cast<__gm__ bfloat16_t*>(first);
  window.weights = first + most * sizes.columns / 2;
  window.places = reinterpret_cast<__gm__ int32_t*>(window.weights + most * pad);
  window.answers = window.weights + 2 * most * pad;
  __gm__ int32_t* all_counts =
      reinterpret_cast<__gm__ int32_t*>(window.answers + sizes.routes() * sizes.columns);
  window.counts = all_counts + call % 2 * counts;
  window.arrived = all_counts + 2 * counts;
  return window;
}

// Where the expert's rank keeps the first row that `sender` has for it: behind the rows for the
// rank's earlier experts, and behind those that earlier ranks have for this one.
AICORE int first_slot(const Sizes& sizes, __gm__ int32_t* counts, int expert, int sender) {
  int slot = 0;
  for (int e = expert / sizes.local_experts * sizes.local_experts; e <= expert; ++e) {
    const int senders = e < expert ? sizes.ranks : sender;
    for (int s = 0; s < senders; ++s) slot += ld_dev(counts + s * sizes.experts() + e) - 1;
  }
  return slot;
}

// dst[i] = src[i] * factor
AICORE void scale(__gm__ float* dst, __gm__ bfloat16_t* src, float factor, int count) {
  for (int first = 0; first < count; first += tile_columns) {
    const int columns = count - first < tile_columns ? count - first : tile_columns;
    RowTileOf<bfloat16_t> narrow(columns);
    RowTile wide(columns);
    TASSIGN(narrow, 0);
    TASSIGN(wide, tile_bytes);
    RowOf<bfloat16_t> from(src + first, RowShape(columns));
    Row to(dst + first, RowShape(columns));
    TLOAD(narrow, from);
    set_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
    wait_flag(PIPE_MTE2, PIPE_V, EVENT_ID0);
    TCVT(wide, narrow, pto::RoundMode::CAST_NONE);
    pipe_barrier(PIPE_V);
    TMULS(wide, wide, factor);
    set_flag(PIPE_V, PIPE_MTE3, EVENT_ID1);
    wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID1);
    TSTORE(to, wide);
    set_flag(PIPE_MTE3, PIPE_MTE2, EVENT_ID0);
    wait_flag(PIPE_MTE3, PIPE_MTE2, EVENT_ID0);
  }
}

}  // namespace

extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t* args) {
  __gm__ bfloat16_t* rows = elements_of<bfloat16_t>(args[0]);
  __gm__ int32_t* routes = elements_of<int32_t>(args[1]);
  __gm__ float* weights = floats_of(args[2]);
  __gm__ int32_t* places = elements_of<int32_t>(args[3]);
  __gm__ int32_t* tally = elements_of<int32_t>(args[4]);
  __gm__ float* results = floats_of(args[5]);
  __gm__ float* out = floats_of(args[6]);
  const Team team(args[13]);
  const Sizes sizes{team.ranks(), static_cast<int>(args[8]), static_cast<int>(args[9]),
                    static_cast<int>(args[10]), static_cast<int>(args[11])};
  const int call = static_cast<int>(args[12]), me = team.rank(), columns = sizes.columns;
  const Window window = window_at(floats_of(args[7]), sizes, call);

  // Publish: how many rows this rank has for each expert, plus 1, to all ranks.
  for (int expert = 0; expert < sizes.experts(); ++expert) tally[expert] = 0;
  for (int route = 0; route < sizes.routes(); ++route) ++tally[routes[route]];
  for (int peer = 0; peer < sizes.ranks; ++peer) {
    for (int expert = 0; expert < sizes.experts(); ++expert) {
      pto::comm::Signal count(team.of_peer(peer, window.counts + me * sizes.experts() + expert));
      TNOTIFY(count, tally[expert] + 1, pto::comm::NotifyOp::AtomicAdd);
    }
  }
  for (int i = 0; i < sizes.ranks * sizes.experts(); ++i) wait(window.counts + i, 1);

  // Dispatch: from here on the tally is where the expert's next row goes.
  for (int expert = 0; expert < sizes.experts(); ++expert) {
    tally[expert] = first_slot(sizes, window.counts, expert, me);
  }
  for (int route = 0; route < sizes.routes(); ++route) {
    const int expert = routes[route], peer = expert / sizes.local_experts;
    const int slot = tally[expert]++;
    put(team.of_peer(peer, window.rows + slot * columns), rows + route / sizes.top * columns,
        columns);
    put(team.of_peer(peer, window.weights + slot * pad), weights + route * pad, pad);
    put(team.of_peer(peer, window.places + slot * pad), places + route * pad, pad);
  }
  barrier(team, window.arrived, 2 * call + 1);

  // Compute: the expert e multiplies by e + 1, and the row's weight.
  int slots = 0;
  for (int expert = me * sizes.local_experts; expert < (me + 1) * sizes.local_experts; ++expert) {
    const int end = first_slot(sizes, window.counts, expert, sizes.ranks);
    for (; slots < end; ++slots) {
      const float factor = ld_dev(window.weights + slots * pad) * static_cast<float>(expert + 1);
      scale(results + slots * columns, window.rows + slots * columns, factor, columns);
    }
  }

  // Return: the answers, each to the place of its route.
  for (int slot = 0, expert = me * sizes.local_experts; slot < slots; ++expert) {
    for (int peer = 0; peer < sizes.ranks; ++peer) {
      const int end = first_slot(sizes, window.counts, expert, peer + 1);
      for (; slot < end; ++slot) {
        const int place = ld_dev(window.places + slot * pad);
        put(team.of_peer(peer, window.answers + place * columns), results + slot * columns,
            columns);
      }
    }
  }
  barrier(team, window.arrived, 2 * call + 2);

  // Combine, and leave the counts empty for the call after the next.
  for (int token = 0; token < sizes.tokens; ++token) {
    __gm__ float* first = window.answers + token * sizes.top * columns;
    add(
        out + token * columns, sizes.top, [&](int k) { return first + k * columns; }, columns);
  }
  for (int i = 0; i < sizes.ranks * sizes.experts(); ++i) st_dev(0, window.counts + i);
  pipe_sync();
}
