// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "peal/collectives/call_plan.h"
#include "peal/collectives/resolved_call.h"
#include "peal/kernels/args.h"
#include "peal/machine/device.h"

namespace peal {

// Step 5 of a call (collectives.cpp): launches of the kernel, whose arguments are a KernelCall
// (kernels/args.h). A call on buffers that fit, and need no staging, is one launch; any other is
// cut into pieces.

// The part of every block that one launch works on, in elements.
struct Piece {
  std::size_t first = 0, length = 0;
};

// The piece of each block of a buffer. An all-reduce has one block, whose piece is cut into one
// chunk per rank. The chunks of `send` are as writable as all chunks, since verbs take no others; a
// kernel writes to them only in place, where they are those of `recv`.
[[nodiscard]] Chunks send_blocks(const CallPlan& plan, const ConstView& send, Piece piece);
[[nodiscard]] Chunks recv_blocks(const CallPlan& plan, const View& recv, Piece piece);

// Takes a half of the scratch for a launch on blocks of `count` elements. Tells the device where
// that half lies, so that a real host keeps what is stored there in the caches.
[[nodiscard]] inline const Scratch::Half& take_scratch(Device& device, const CallPlan& plan,
                                                       std::size_t count) {
  const Scratch::Half& half = plan.scratch->next(count, plan.dtype, plan.staged);
  device.set_transfer_hint({.scratch = half.memory.data,
                            .scratch_bytes = half.memory.count,
                            .moved_bytes = plan.moved_bytes,
                            .lacks_shared_cache = plan.lacks_shared_cache});
  return half;
}

inline void launch_kernel(Device& device, const ResolvedCall& call, const Scratch::Half& half,
                          const Chunks& send, const Chunks& recv) {
  call.plan->algorithm->launch(device, {.send = send,
                                        .recv = recv,
                                        .scratch = half.scratch,
                                        .signals = half.signals,
                                        .packets = half.packets,
                                        .uses = half.uses,
                                        .root = Rank{call.traits.root()},
                                        .op = call.traits.op()});
}

// Cuts the call into pieces and launches the kernel on each; stages what the algorithm needs in
// windows.
void launch_in_pieces(Device& device, const ResolvedCall& call);

// Launches the kernel of the call, once or in pieces.
inline void launch_all(Device& device, const ResolvedCall& call) {
  const CallPlan& plan = *call.plan;
  if (!plan.is_one_launch) return launch_in_pieces(device, call);
  const Scratch::Half& half = take_scratch(device, plan, plan.count);
  launch_kernel(device, call, half, call.send_blocks, call.recv_blocks);
}

}  // namespace peal
