// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/kernels/args.h"

namespace peal {

// All kernels, in the order of collectives/registry.cpp, which alone includes this header. A kernel
// that is declared here with other arguments than its file defines is another function, which the
// linker does not find.
void all_reduce_one_phase(Device& self, const AllReduceApartArgs& args);
void all_reduce_two_phase(Device& self, const AllReduceApartArgs& args);
void all_reduce_ring(Device& self, const AllReduceArgs& args);
void all_reduce_bidirectional_ring(Device& self, const AllReduceArgs& args);
void all_reduce_recursive_doubling(Device& self, const AllReduceArgs& args);
void all_reduce_halving_doubling(Device& self, const AllReduceArgs& args);
void all_reduce_push(Device& self, const AllReduceApartArgs& args);
void all_reduce_window_pull(Device& self, const AllReduceApartArgs& args);
void all_reduce_window_push(Device& self, const AllReduceApartArgs& args);
void all_reduce_packet(Device& self, const AllReducePacketArgs& args);

void all_gather_direct(Device& self, const AllGatherArgs& args);
void all_gather_ring(Device& self, const AllGatherArgs& args);
void all_gather_window_push(Device& self, const AllGatherArgs& args);
void all_gather_packet(Device& self, const AllGatherPacketArgs& args);

void reduce_scatter_direct(Device& self, const ReduceScatterArgs& args);
void reduce_scatter_ring(Device& self, const ReduceScatterArgs& args);
void reduce_scatter_push(Device& self, const ReduceScatterArgs& args);
void reduce_scatter_window_pull(Device& self, const ReduceScatterArgs& args);
void reduce_scatter_packet(Device& self, const ReduceScatterPacketArgs& args);

void all_to_all_pull(Device& self, const AllToAllArgs& args);
void all_to_all_push(Device& self, const AllToAllArgs& args);
void all_to_all_window_push(Device& self, const AllToAllArgs& args);
void all_to_all_packet(Device& self, const AllToAllPacketArgs& args);

void broadcast_direct(Device& self, const RootedArgs& args);
void broadcast_fifo(Device& self, const RootedArgs& args);
void broadcast_tree(Device& self, const RootedArgs& args);
void broadcast_scatter_all_gather(Device& self, const RootedArgs& args);
void broadcast_window_pull(Device& self, const RootedArgs& args);
void broadcast_packet(Device& self, const RootedPacketArgs& args);

void reduce_direct(Device& self, const RootedArgs& args);
void reduce_tree(Device& self, const RootedArgs& args);

void gather_direct(Device& self, const RootedArgs& args);

void scatter_direct(Device& self, const RootedArgs& args);

void barrier_dissemination(Device& self, const BarrierArgs& args);

}  // namespace peal
