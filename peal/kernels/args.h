// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/machine/device.h"

namespace peal {

// Everything that a launch can hand to a kernel; each kernel's own arguments are drawn from it.
struct KernelCall {
  View send, recv;       // this rank's blocks; peers never touch them
  Chunks data;           // all_reduce: input on entry, result on return
  Chunks scratch;        // in a window, at the same place on every rank, alternating between launches
  SignalRow signals;     // as above
  bool reused = false;   // this half of the scratch has served an earlier launch
  Rank root;
  ReduceOp op = ReduceOp::sum;
};

// `data` is cut into P chunks; it lies in a window where the kernel puts into peers' data.
struct AllReduceArgs {
  Chunks data, inbox;
  SignalRow arrived;
  ReduceOp op;
};

// `send` is one block, `recv` P blocks; `landing` holds P blocks in a window.
struct AllGatherArgs {
  View send;
  Chunks recv, landing;
  SignalRow arrived;
};

// `send` is P blocks, `recv` one; `inbox` holds P blocks in a window.
struct ReduceScatterArgs {
  Chunks send;
  View recv;
  Chunks inbox;
  SignalRow arrived;
  ReduceOp op;
};

// `send` and `recv` are P blocks; `landing` holds P blocks in a window.
struct AllToAllArgs {
  Chunks send, recv, landing;
  SignalRow arrived;
};

// For the collectives with a root. A rank that can run ahead of its peers takes their credits
// before it fills a half of the scratch again: `reused` says that the half has served before, so
// that the credits of its last use are due. Scratch and signals belong to one root.
struct RootedArgs {
  View send, recv;
  Chunks scratch;
  SignalRow signals;
  bool reused;
  Rank root;
  ReduceOp op;
};

struct BarrierArgs {
  SignalRow rounds;
};

[[nodiscard]] inline AllReduceArgs arguments(const KernelCall& call, const AllReduceArgs*) {
  return {call.data, call.scratch, call.signals, call.op};
}
[[nodiscard]] inline AllGatherArgs arguments(const KernelCall& call, const AllGatherArgs*) {
  const int blocks = call.scratch.parts();
  return {call.send, {call.recv, blocks}, call.scratch, call.signals};
}
[[nodiscard]] inline ReduceScatterArgs arguments(const KernelCall& call, const ReduceScatterArgs*) {
  const int blocks = call.scratch.parts();
  return {{call.send, blocks}, call.recv, call.scratch, call.signals, call.op};
}
[[nodiscard]] inline AllToAllArgs arguments(const KernelCall& call, const AllToAllArgs*) {
  const int blocks = call.scratch.parts();
  return {{call.send, blocks}, {call.recv, blocks}, call.scratch, call.signals};
}
[[nodiscard]] inline RootedArgs arguments(const KernelCall& call, const RootedArgs*) {
  return {call.send, call.recv, call.scratch, call.signals, call.reused, call.root, call.op};
}
[[nodiscard]] inline BarrierArgs arguments(const KernelCall& call, const BarrierArgs*) {
  return {call.signals};
}

// A launch function for the kernel, whatever its arguments are.
template <class Args>
using Kernel = void (*)(Device&, const Args&);
template <auto kernel>
struct Launch;
template <class Args, void (*kernel)(Device&, const Args&)>
struct Launch<kernel> {
  static void run(Device& self, const KernelCall& call) {
    kernel(self, arguments(call, static_cast<const Args*>(nullptr)));
  }
};

}  // namespace peal
