// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/tuning/defaults.h"

#include <algorithm>

namespace peal {
namespace {

// True if a block should be sent in packets, which carry their own flags. Packets save one cache
// line transfer per message; plain copies move long blocks faster. So the limit on the block is
// higher where a transfer is slow (no shared cache) and where only one rank puts (broadcast). The
// limits on all blocks together and on the ranks bound the size of the row of packets.
bool prefers_packets(const ChoiceConditions& conditions, std::size_t block_bytes) {
  constexpr std::size_t max_of_all = 32768;
  constexpr int max_ranks = 64;
  const bool one_puts = conditions.collective == Collective::broadcast;
  const std::size_t most = conditions.lacks_shared_cache || one_puts ? Packets::max_bytes : 1024;
  return block_bytes <= most && conditions.ranks <= max_ranks &&
         block_bytes * static_cast<std::size_t>(conditions.ranks) <= max_of_all;
}

}  // namespace

bool uses_windows(Collective collective, const Placement& placement) {
  return std::any_of(algorithms().begin(), algorithms().end(), [&](const Algorithm& algorithm) {
    const Needs& needs = algorithm.needs;
    return algorithm.collective == collective && (needs.send_in_window || needs.recv_in_window) &&
           needs.are_met(placement, 0);
  });
}

bool is_candidate(const Algorithm& algorithm, const Placement& placement, std::size_t block_bytes) {
  const Needs& needs = algorithm.needs;
  if (!needs.are_met(placement, block_bytes)) return false;
  const bool combines = shape(algorithm.collective, 1).has_op;
  return !combines || needs.in_rank_order;
}

const Algorithm& default_algorithm(const ChoiceConditions& conditions, std::size_t block_bytes) {
  const auto choose = [&](const char* name) -> const Algorithm& {
    return find_algorithm(conditions.collective, name);
  };
  const auto packets_or = [&](const char* name) -> const Algorithm& {
    return choose(prefers_packets(conditions, block_bytes) ? "packet" : name);
  };
  // The bytes that each rank moves. An algorithm that works directly on windows saves a copy, but
  // costs an address exchange, which is dearer where ranks share processors. It pays from
  // `exchange_pays` bytes on, for a broadcast from `reading_pays` bytes on.
  const std::size_t moved = block_bytes * static_cast<std::size_t>(conditions.ranks);
  const std::size_t exchange_pays = conditions.is_oversubscribed ? 65536 : 8192;
  const bool direct = conditions.in_windows && moved > exchange_pays;
  const std::size_t reading_pays = conditions.is_oversubscribed ? 32768 : 16384;
  switch (conditions.collective) {
    case Collective::all_reduce:
      if (direct) return packets_or("window_push");
      return packets_or(moved <= 4 * exchange_pays ? "push" : "two_phase");
    case Collective::all_gather:
      return packets_or(direct ? "window_push" : "direct");
    case Collective::reduce_scatter:
      return packets_or(direct ? "window_pull" : "push");
    case Collective::all_to_all:
      return packets_or(direct ? "window_push" : "push");
    case Collective::broadcast:
      return packets_or(conditions.in_windows && moved > reading_pays ? "window_pull" : "fifo");
    case Collective::reduce:
    case Collective::gather:
    case Collective::scatter:
      return choose("direct");
    case Collective::barrier:
      break;
  }
  return choose("dissemination");
}

}  // namespace peal
