// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/registry.h"

#include <fmt/format.h>

#include <string>

#include "peal/base/error.h"

namespace peal {

using enum Collective;
using D = Device;
using K = KernelCall;

// One entry per algorithm. A kernel has no header: its entry declares it, so that a new algorithm
// takes one new file and one new entry. The formulas are in the order of struct Formulas: scratch,
// parts, signals; steps, puts, gets, sent, notifies, copied; and, optional, read and drains.
static const Algorithm table[] = {
    {all_reduce,
     "one_phase",
     [](D& d, const K& k) {
       void all_reduce_one_phase(D&, const AllReduceApartArgs&);
       launch(all_reduce_one_phase, d, k);
     },
     {.in_rank_order = true},
     {"n", "1", "L", "L", "0", "P-1", "(P-1)*n", "L", "n"}},
    {all_reduce,
     "two_phase",
     [](D& d, const K& k) {
       void all_reduce_two_phase(D&, const AllReduceApartArgs&);
       launch(all_reduce_two_phase, d, k);
     },
     {.in_rank_order = true},
     {"n", "P", "L", "2*L", "0", "2*(P-1)", "2*(P-1)*n/P", "2*L", "n"}},
    {all_reduce,
     "ring",
     [](D& d, const K& k) {
       void all_reduce_ring(D&, const AllReduceArgs&);
       launch(all_reduce_ring, d, k);
     },
     {.in_place = true, .data_in_window = true},
     {"n", "P", "1", "2*(P-1)", "2*(P-1)", "0", "2*(P-1)*n/P", "2*(P-1)", "3*n"}},
    {all_reduce,
     "bidirectional_ring",
     [](D& d, const K& k) {
       void all_reduce_bidirectional_ring(D&, const AllReduceArgs&);
       launch(all_reduce_bidirectional_ring, d, k);
     },
     {.in_place = true, .data_in_window = true},
     {"n", "P", "2", "2*(P-1)", "4*(P-1)", "0", "2*(P-1)*n/P", "4*(P-1)", "3*n"}},
    {all_reduce,
     "recursive_doubling",
     [](D& d, const K& k) {
       void all_reduce_recursive_doubling(D&, const AllReduceArgs&);
       launch(all_reduce_recursive_doubling, d, k);
     },
     {.in_place = true},
     {"(L+1)*n", "L+1", "L+1", "L+H", "L", "0", "L*n", "L", "(L+1)*n"}},
    {all_reduce,
     "halving_doubling",
     [](D& d, const K& k) {
       void all_reduce_halving_doubling(D&, const AllReduceArgs&);
       launch(all_reduce_halving_doubling, d, k);
     },
     {.in_place = true},
     {"2*(n+P-1)", "2", "L+1", "2*L", "2*L-X", "0", "n+(Q-2)*((n+Q-1)/Q)+X*n", "2*L-X",
      "n+2*(Q-1)*n/Q+X*n"}},
    {all_reduce,
     "push",
     [](D& d, const K& k) {
       void all_reduce_push(D&, const AllReduceApartArgs&);
       launch(all_reduce_push, d, k);
     },
     {.in_rank_order = true},
     {"P*n", "P", "P", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "0"}},
    {all_reduce,
     "window_pull",
     [](D& d, const K& k) {
       void all_reduce_window_pull(D&, const AllReduceApartArgs&);
       launch(all_reduce_window_pull, d, k);
     },
     {.send_in_window = true, .in_rank_order = true},
     {"n", "P", "P+L", "min(1,P-1)+L", "P-1", "2*(P-1)", "2*(P-1)*n/P", "P-1+L", "0", nullptr,
      "P-1"}},
    {all_reduce,
     "window_push",
     [](D& d, const K& k) {
       void all_reduce_window_push(D&, const AllReduceApartArgs&);
       launch(all_reduce_window_push, d, k);
     },
     {.send_in_window = true, .recv_in_window = true, .in_rank_order = true},
     {"0", "1", "P+L", "min(1,P-1)+L", "2*(P-1)", "P-1", "2*(P-1)*n/P", "P-1+L", "0", "(P-1)*n/P",
      "P-1"}},
    {all_reduce,
     "packet",
     [](D& d, const K& k) {
       void all_reduce_packet(D&, const AllReducePacketArgs&);
       launch(all_reduce_packet, d, k);
     },
     {.fits_packets = true, .in_rank_order = true},
     {"0", "1", "0", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "0", nullptr, "P-1"}},
    {all_gather,
     "direct",
     [](D& d, const K& k) {
       void all_gather_direct(D&, const AllGatherArgs&);
       launch(all_gather_direct, d, k);
     },
     {},
     {"P*n", "P", "1", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "P*n"}},
    {all_gather,
     "ring",
     [](D& d, const K& k) {
       void all_gather_ring(D&, const AllGatherArgs&);
       launch(all_gather_ring, d, k);
     },
     {},
     {"P*n", "P", "1", "P-1", "P-1", "0", "(P-1)*n", "P-1", "P*n"}},
    {all_gather,
     "window_push",
     [](D& d, const K& k) {
       void all_gather_window_push(D&, const AllGatherArgs&);
       launch(all_gather_window_push, d, k);
     },
     {.recv_in_window = true},
     {"0", "1", "P+L", "min(1,P-1)+L", "2*(P-1)", "0", "(P-1)*n", "P-1+L", "n", nullptr, "P-1"}},
    {all_gather,
     "packet",
     [](D& d, const K& k) {
       void all_gather_packet(D&, const AllGatherPacketArgs&);
       launch(all_gather_packet, d, k);
     },
     {.fits_packets = true},
     {"0", "1", "0", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "P*n", nullptr, "P-1"}},
    {reduce_scatter,
     "direct",
     [](D& d, const K& k) {
       void reduce_scatter_direct(D&, const ReduceScatterArgs&);
       launch(reduce_scatter_direct, d, k);
     },
     {.in_rank_order = true},
     {"P*n", "P", "L", "L", "0", "P-1", "(P-1)*n", "L", "P*n"}},
    {reduce_scatter,
     "ring",
     [](D& d, const K& k) {
       void reduce_scatter_ring(D&, const ReduceScatterArgs&);
       launch(reduce_scatter_ring, d, k);
     },
     {},
     {"P*n", "P", "1", "P-1", "P-1", "0", "(P-1)*n", "P-1", "P*n"}},
    {reduce_scatter,
     "push",
     [](D& d, const K& k) {
       void reduce_scatter_push(D&, const ReduceScatterArgs&);
       launch(reduce_scatter_push, d, k);
     },
     {.in_rank_order = true},
     {"P*n", "P", "P", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "0"}},
    {reduce_scatter,
     "window_pull",
     [](D& d, const K& k) {
       void reduce_scatter_window_pull(D&, const ReduceScatterArgs&);
       launch(reduce_scatter_window_pull, d, k);
     },
     {.send_in_window = true, .in_rank_order = true},
     {"0", "1", "P+L", "min(1,P-1)+L", "P-1", "P-1", "(P-1)*n", "P-1+L", "0", nullptr, "P-1"}},
    {reduce_scatter,
     "packet",
     [](D& d, const K& k) {
       void reduce_scatter_packet(D&, const ReduceScatterPacketArgs&);
       launch(reduce_scatter_packet, d, k);
     },
     {.fits_packets = true, .in_rank_order = true},
     {"0", "1", "0", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "0", nullptr, "P-1"}},
    {all_to_all,
     "pull",
     [](D& d, const K& k) {
       void all_to_all_pull(D&, const AllToAllArgs&);
       launch(all_to_all_pull, d, k);
     },
     {},
     {"P*n", "P", "L", "L", "0", "P-1", "(P-1)*n", "L", "(P+1)*n"}},
    {all_to_all,
     "push",
     [](D& d, const K& k) {
       void all_to_all_push(D&, const AllToAllArgs&);
       launch(all_to_all_push, d, k);
     },
     {},
     {"P*n", "P", "1", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "P*n"}},
    {all_to_all,
     "window_push",
     [](D& d, const K& k) {
       void all_to_all_window_push(D&, const AllToAllArgs&);
       launch(all_to_all_window_push, d, k);
     },
     {.recv_in_window = true, .apart = true},
     {"0", "1", "P+L", "min(1,P-1)+L", "2*(P-1)", "0", "(P-1)*n", "P-1+L", "n", nullptr, "P-1"}},
    {all_to_all,
     "packet",
     [](D& d, const K& k) {
       void all_to_all_packet(D&, const AllToAllPacketArgs&);
       launch(all_to_all_packet, d, k);
     },
     {.fits_packets = true},
     {"0", "1", "0", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "P*n", nullptr, "P-1"}},
    {broadcast,
     "direct",
     [](D& d, const K& k) {
       void broadcast_direct(D&, const RootedArgs&);
       launch(broadcast_direct, d, k);
     },
     {},
     {"n", "1", "2", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "n"}},
    {broadcast,
     "fifo",
     [](D& d, const K& k) {
       void broadcast_fifo(D&, const RootedArgs&);
       launch(broadcast_fifo, d, k);
     },
     {.has_slots = true},
     {"8*n", "8", "9", "min(1,P-1)", "0", "min(1,P-1)", "(P-1)*n", "P-1", "n+min(1,P-1)*n", "n"}},
    {broadcast,
     "tree",
     [](D& d, const K& k) {
       void broadcast_tree(D&, const RootedArgs&);
       launch(broadcast_tree, d, k);
     },
     {},
     {"n", "1", "2", "L-X", "L", "0", "L*n", "L", "n"}},
    {broadcast,
     "scatter_all_gather",
     [](D& d, const K& k) {
       void broadcast_scatter_all_gather(D&, const RootedArgs&);
       launch(broadcast_scatter_all_gather, d, k);
     },
     {},
     {"n", "P", "3", "P-1", "2*(P-1)", "0", "2*(P-1)*n/P", "2*(P-1)", "n"}},
    {broadcast,
     "window_pull",
     [](D& d, const K& k) {
       void broadcast_window_pull(D&, const RootedArgs&);
       launch(broadcast_window_pull, d, k);
     },
     {.recv_in_window = true},
     {"0", "1", "2", "2*min(1,P-1)", "P-1", "min(1,P-1)", "(P-1)*n", "P-1", "n", "n", "P-1"}},
    {broadcast,
     "packet",
     [](D& d, const K& k) {
       void broadcast_packet(D&, const RootedPacketArgs&);
       launch(broadcast_packet, d, k);
     },
     {.fits_packets = true},
     {"0", "1", "1", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "n", nullptr, "P-1"}},
    {reduce,
     "direct",
     [](D& d, const K& k) {
       void reduce_direct(D&, const RootedArgs&);
       launch(reduce_direct, d, k);
     },
     {.in_rank_order = true},
     {"n", "1", "2", "min(1,P-1)", "0", "P-1", "min(1,P-1)*n", "P-1", "n", "(P-1)*n"}},
    {reduce,
     "tree",
     [](D& d, const K& k) {
       void reduce_tree(D&, const RootedArgs&);
       launch(reduce_tree, d, k);
     },
     {},
     {"(L+1)*n", "L+1", "L+1", "L-X", "min(1,P-1)", "0", "min(1,P-1)*n", "L", "(L+1)*n"}},
    {gather,
     "direct",
     [](D& d, const K& k) {
       void gather_direct(D&, const RootedArgs&);
       launch(gather_direct, d, k);
     },
     {},
     {"P*n", "P", "2", "min(1,P-1)", "min(1,P-1)", "0", "min(1,P-1)*n", "P-1", "P*n"}},
    {scatter,
     "direct",
     [](D& d, const K& k) {
       void scatter_direct(D&, const RootedArgs&);
       launch(scatter_direct, d, k);
     },
     {},
     {"n", "1", "2", "min(1,P-1)", "P-1", "0", "(P-1)*n", "P-1", "n"}},
    {barrier,
     "dissemination",
     [](D& d, const K& k) {
       void barrier_dissemination(D&, const BarrierArgs&);
       launch(barrier_dissemination, d, k);
     },
     {},
     {"0", "1", "L", "L", "0", "0", "0", "L", "0"}},
};

std::span<const Algorithm> algorithms() { return table; }

const Algorithm* known_algorithm(Collective collective, std::string_view name) {
  for (const Algorithm& algorithm : table) {
    if (algorithm.collective == collective && algorithm.name == name) return &algorithm;
  }
  return nullptr;
}

const Algorithm& find_algorithm(Collective collective, std::string_view name) {
  if (const Algorithm* found = known_algorithm(collective, name)) return *found;
  std::string known;
  for (const Algorithm& algorithm : table) {
    if (algorithm.collective != collective) continue;
    known += known.empty() ? "" : ", ";
    known += algorithm.name;
  }
  throw UsageError(fmt::format("{}: algorithm `{}` is unknown; use auto or one of {}",
                               peal::name(collective), name, known));
}

AlgorithmFigures figures(const Algorithm& algorithm, int ranks, std::size_t count) {
  return evaluate(algorithm.formulas, ranks, count);
}

bool Needs::are_met(const Placement& placement, std::size_t block_bytes) const {
  if (send_in_window && !placement.send_in_window) return false;
  if (recv_in_window && !placement.recv_in_window) return false;
  if (apart && placement.in_place) return false;
  return !fits_packets || block_bytes <= Packets::max_bytes;
}

const Algorithm& choose_algorithm(Collective collective, int ranks, std::size_t count, DType dtype,
                                  const Placement& placement, const Platform& platform) {
  const Algorithm* best = nullptr;
  double best_ps = 0;
  for (const Algorithm& algorithm : table) {
    if (algorithm.collective != collective ||
        !algorithm.needs.are_met(placement, count * size_bytes(dtype))) {
      continue;
    }
    const double time_ps =
        predict_ps(figures(algorithm, ranks, count), size_bytes(dtype), platform);
    if (best != nullptr && time_ps >= best_ps) continue;
    best = &algorithm;
    best_ps = time_ps;
  }
  PEAL_CHECK(best != nullptr);
  return *best;
}

}  // namespace peal
