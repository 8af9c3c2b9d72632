// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/kernel_launch.h"

#include <algorithm>

namespace peal {
namespace {

Chunks blocks(const CallPlan& plan, const View& all, int count, Piece piece) {
  if (count == 0 || all.data == nullptr) return {};
  const View first = all.part(piece.first, piece.length);
  return plan.cuts > 0 ? Chunks(first, plan.cuts) : Chunks(first, count, plan.count);
}
// As blocks(), for staged memory, which holds the pieces of all blocks without gaps.
Chunks staged_blocks(const CallPlan& plan, const View& all, int count) {
  return Chunks(all, plan.cuts > 0 ? plan.cuts : count);
}

// Copies all blocks of src to dst. The block of an all-reduce is copied as a whole.
void copy_blocks(Device& device, const CallPlan& plan, const Chunks& dst, const Chunks& src) {
  constexpr SourceOrigin origin = SourceOrigin::call;
  if (plan.cuts > 0) return device.copy(dst.whole(), src.whole(), SourcePlace::here(origin));
  for (int block = 0; block < dst.parts(); ++block) {
    device.copy(dst[block], src[block], SourcePlace::here(origin));
  }
}

// Launches one piece of a call. Copies what has to be staged in before the launch, and out after.
void launch_piece(Device& device, const ResolvedCall& call, Piece piece) {
  const CallPlan& plan = *call.plan;
  const Scratch::Half& half = take_scratch(device, plan, piece.length);
  const Chunks send = send_blocks(plan, call.send, piece);
  const Chunks recv = recv_blocks(plan, call.recv, piece);
  const int sends = plan.staged.send_blocks, recvs = plan.staged.recv_blocks;
  const Chunks from = sends > 0 ? staged_blocks(plan, half.send, sends) : send;
  const Chunks to = recvs > 0 ? staged_blocks(plan, half.recv, recvs) : recv;
  if (sends > 0) copy_blocks(device, plan, from, send);
  if (plan.algorithm->needs.in_place) copy_blocks(device, plan, to, from);
  launch_kernel(device, call, half, from, to);
  if (recvs > 0) copy_blocks(device, plan, recv, to);
}

}  // namespace

Chunks send_blocks(const CallPlan& plan, const ConstView& send, Piece piece) {
  const View writable{const_cast<std::byte*>(send.data), send.count, send.dtype};
  return blocks(plan, writable, plan.shape.send_blocks, piece);
}

Chunks recv_blocks(const CallPlan& plan, const View& recv, Piece piece) {
  return blocks(plan, recv, plan.shape.recv_blocks, piece);
}

void launch_in_pieces(Device& device, const ResolvedCall& call) {
  const CallPlan& plan = *call.plan;
  std::size_t first = 0;
  do {
    const Piece piece{first, std::min(plan.longest_piece, plan.count - first)};
    launch_piece(device, call, piece);
    first += piece.length;
  } while (first < plan.count);
}

}  // namespace peal
