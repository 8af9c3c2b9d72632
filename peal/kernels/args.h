// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/machine/device.h"

namespace peal {

// Kernels: one file each, which reads like its paper; kernels.h declares all, and the table of
// algorithms is collectives/registry.cpp. Read all_reduce_ring.cpp next. KernelCall is all that a
// launch offers; each kernel picks its own Args from it, large members by reference, because store
// forwarding of copies would stall a small call.
struct KernelCall {
  const Chunks& send;        // 1 or P blocks; the one block of an all-reduce is cut into P chunks
  const Chunks& recv;        // as send
  const Chunks& scratch;     // a half of the scratch window, at the same offset on every rank; two
                             // halves alternate from launch to launch
  const SignalRow& signals;  // of that half, at the same offset on every rank
  const PacketRow& packets;  // of that half: one place for each rank, or `turns` with a root
  std::uint64_t uses = 0;    // the number of earlier launches on this half
  Rank root;
  ReduceOp op = ReduceOp::sum;
};

// For an in-place all-reduce. `data` holds the input on entry and the result on return, in P
// chunks. It lies in a window if the kernel puts into the peers' data.
struct AllReduceArgs {
  const Chunks& data;
  const Chunks& inbox;
  const SignalRow& arrived;
  ReduceOp op;
};

// For an all-reduce that does not change `send`, unless recv is the same. All have P chunks.
struct AllReduceApartArgs {
  const Chunks& send;
  const Chunks& recv;
  const Chunks& inbox;
  const SignalRow& arrived;
  ReduceOp op;
};

// For an all-reduce by packets. `inbox` has a place for each rank.
struct AllReducePacketArgs {
  const Chunks& send;
  const Chunks& recv;
  const PacketRow& inbox;
  ReduceOp op;
};

// `recv` and `landing` have P blocks as long as `send`; the landing buffer lies in a window.
struct AllGatherArgs {
  View send;
  const Chunks& recv;
  const Chunks& landing;
  const SignalRow& arrived;
};

struct AllGatherPacketArgs {
  View send;
  const Chunks& recv;
  const PacketRow& inbox;
};

// `send` and `inbox` have P blocks as long as `recv`; the inbox lies in a window.
struct ReduceScatterArgs {
  const Chunks& send;
  View recv;
  const Chunks& inbox;
  const SignalRow& arrived;
  ReduceOp op;
};

struct ReduceScatterPacketArgs {
  const Chunks& send;
  View recv;
  const PacketRow& inbox;
  ReduceOp op;
};

// All three have P blocks of one length; the landing buffer lies in a window.
struct AllToAllArgs {
  const Chunks& send;
  const Chunks& recv;
  const Chunks& landing;
  const SignalRow& arrived;
};

struct AllToAllPacketArgs {
  const Chunks& send;
  const Chunks& recv;
  const PacketRow& inbox;
};

// For collectives with a root: one block, or P at the root of a gather or scatter. A rank that can
// run ahead of its peers needs back pressure: before it fills a half of the scratch again, it waits
// for credits, by which the peers return the half; none are due in the first use (`uses` is 0).
// Scratch and signals belong to one root. A credit comes from an earlier call, so its verbs differ
// from notify and wait: they do not compare the calls of the two ranks.
struct RootedArgs {
  const Chunks& send;
  const Chunks& recv;
  const Chunks& scratch;
  const SignalRow& signals;
  std::uint64_t uses;
  Rank root;
  ReduceOp op;
};

// For a broadcast by packets: launch i on this half uses place i modulo `turns`.
struct RootedPacketArgs {
  static constexpr int turns = 8;

  const Chunks& send;
  const Chunks& recv;
  const PacketRow& packets;
  const SignalRow& signals;
  std::uint64_t uses;
  Rank root;
};

struct BarrierArgs {
  const SignalRow& rounds;
};

[[nodiscard]] inline AllReduceArgs arguments(const KernelCall& call, const AllReduceArgs*) {
  return {call.recv, call.scratch, call.signals, call.op};
}
[[nodiscard]] inline AllReduceApartArgs arguments(const KernelCall& call,
                                                  const AllReduceApartArgs*) {
  return {call.send, call.recv, call.scratch, call.signals, call.op};
}
[[nodiscard]] inline AllReducePacketArgs arguments(const KernelCall& call,
                                                   const AllReducePacketArgs*) {
  return {call.send, call.recv, call.packets, call.op};
}
[[nodiscard]] inline AllGatherArgs arguments(const KernelCall& call, const AllGatherArgs*) {
  return {call.send[0], call.recv, call.scratch, call.signals};
}
[[nodiscard]] inline AllGatherPacketArgs arguments(const KernelCall& call,
                                                   const AllGatherPacketArgs*) {
  return {call.send[0], call.recv, call.packets};
}
[[nodiscard]] inline ReduceScatterArgs arguments(const KernelCall& call, const ReduceScatterArgs*) {
  return {call.send, call.recv[0], call.scratch, call.signals, call.op};
}
[[nodiscard]] inline ReduceScatterPacketArgs arguments(const KernelCall& call,
                                                       const ReduceScatterPacketArgs*) {
  return {call.send, call.recv[0], call.packets, call.op};
}
[[nodiscard]] inline AllToAllArgs arguments(const KernelCall& call, const AllToAllArgs*) {
  return {call.send, call.recv, call.scratch, call.signals};
}
[[nodiscard]] inline AllToAllPacketArgs arguments(const KernelCall& call,
                                                  const AllToAllPacketArgs*) {
  return {call.send, call.recv, call.packets};
}
[[nodiscard]] inline RootedArgs arguments(const KernelCall& call, const RootedArgs*) {
  return {call.send, call.recv, call.scratch, call.signals, call.uses, call.root, call.op};
}
[[nodiscard]] inline RootedPacketArgs arguments(const KernelCall& call, const RootedPacketArgs*) {
  return {call.send, call.recv, call.packets, call.signals, call.uses, call.root};
}
[[nodiscard]] inline BarrierArgs arguments(const KernelCall& call, const BarrierArgs*) {
  return {call.signals};
}

// Calls the kernel with the Args that it takes, picked from the call.
template <class Args>
void launch(void (*kernel)(Device&, const Args&), Device& self, const KernelCall& call) {
  kernel(self, arguments(call, static_cast<const Args*>(nullptr)));
}

}  // namespace peal
