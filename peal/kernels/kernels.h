// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/kernels/args.h"

namespace peal {

// The library's collectives; what each does, sends and needs stands at its definition, in the file
// of its name.
void all_gather_direct(Device& self, const AllGatherArgs& args);
void all_gather_ring(Device& self, const AllGatherArgs& args);
void all_reduce_bidirectional_ring(Device& self, const AllReduceArgs& args);
void all_reduce_one_phase(Device& self, const AllReduceArgs& args);
void all_reduce_recursive_doubling(Device& self, const AllReduceArgs& args);
void all_reduce_ring(Device& self, const AllReduceArgs& args);
void all_reduce_two_phase(Device& self, const AllReduceArgs& args);
void all_to_all_pull(Device& self, const AllToAllArgs& args);
void all_to_all_push(Device& self, const AllToAllArgs& args);
void barrier_dissemination(Device& self, const BarrierArgs& args);
void broadcast_direct(Device& self, const RootedArgs& args);
void broadcast_scatter_all_gather(Device& self, const RootedArgs& args);
void broadcast_tree(Device& self, const RootedArgs& args);
void gather_direct(Device& self, const RootedArgs& args);
void reduce_direct(Device& self, const RootedArgs& args);
void reduce_scatter_direct(Device& self, const ReduceScatterArgs& args);
void reduce_scatter_ring(Device& self, const ReduceScatterArgs& args);
void reduce_tree(Device& self, const RootedArgs& args);
void scatter_direct(Device& self, const RootedArgs& args);

}  // namespace peal
