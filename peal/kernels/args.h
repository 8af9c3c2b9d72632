// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/machine/device.h"

namespace peal {

// Everything that a launch can hand to a kernel; each kernel's own arguments are drawn from it, by
// reference where they are more than a processor holds in a register or two: a small collective
// takes less time than it takes to load again what has just been stored in other pieces.
struct KernelCall {
  const Chunks& send;        // this rank's blocks, one or P; of an all-reduce its one, cut into P
  const Chunks& recv;        // as above
  const Chunks& scratch;     // in a window, at the same place on every rank, alternating between
                             // launches
  const SignalRow& signals;  // as above
  const PacketRow& packets;  // as above; one place for each rank, or turns of a root
  std::uint64_t uses = 0;    // how many earlier launches this half of the scratch has served
  Rank root;
  ReduceOp op = ReduceOp::sum;
};

// `data`, the input on entry and the result on return, is cut into P chunks; it lies in a window
// where the kernel puts into peers' data.
struct AllReduceArgs {
  const Chunks& data;
  const Chunks& inbox;
  const SignalRow& arrived;
  ReduceOp op;
};

// For an all-reduce that leaves `send` as it is; both may be the same. All are cut into P chunks.
struct AllReduceApartArgs {
  const Chunks& send;
  const Chunks& recv;
  const Chunks& inbox;
  const SignalRow& arrived;
  ReduceOp op;
};

// The same by packets: one place for each rank.
struct AllReducePacketArgs {
  const Chunks& send;
  const Chunks& recv;
  const PacketRow& inbox;
  ReduceOp op;
};

// `recv` and `landing` are P blocks as long as `send`; the landing lies in a window.
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

// `send` and `inbox` are P blocks as long as `recv`; the inbox lies in a window.
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

// All three are P blocks of one length; the landing lies in a window.
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

// For the collectives with a root: one block, or P at the root where it gathers or scatters. A
// rank that can run ahead of its peers takes their credits before it fills a half of the scratch
// again: `uses` says how often the half has served before, and so whether credits are due. Scratch
// and signals belong to one root. Credits have verbs of their own, since they may be of another
// call than the one that takes them.
struct RootedArgs {
  const Chunks& send;
  const Chunks& recv;
  const Chunks& scratch;
  const SignalRow& signals;
  std::uint64_t uses;
  Rank root;
  ReduceOp op;
};

// The same by packets: launches take `turns` places in turn.
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

// Calls the kernel with its own arguments, drawn from the call.
template <class Args>
void launch(void (*kernel)(Device&, const Args&), Device& self, const KernelCall& call) {
  kernel(self, arguments(call, static_cast<const Args*>(nullptr)));
}

}  // namespace peal
