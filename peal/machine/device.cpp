// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/device.h"

#include <fmt/format.h>

#include <cstdlib>

#include "peal/base/alignment.h"
#include "peal/base/error.h"
#include "peal/machine/calls/verb_error.h"

namespace peal {

void Device::do_refuse(const VerbError& error) const { throw error; }

void Device::refuse(const std::string& sentence, SourcePlace place) const {
  do_refuse(VerbError(sentence, place));
  std::abort();  // do_refuse() does not return
}

void Device::check_any_reduce(std::span<const RankView> dsts, std::span<const RankView> srcs,
                              SourcePlace place) const {
  if (dsts.empty() || srcs.empty()) {
    refuse(fmt::format("reduce on rank {}: {} destinations and {} sources; give one of each", rank_,
                       dsts.size(), srcs.size()),
           place);
  }
  const View& first = dsts.front().view;
  for (const RankView& dst : dsts) check_copy("reduce", dst.rank, dst.view, first, place);
  for (const RankView& src : srcs) check_copy("reduce", src.rank, first, src.view, place);
}

void Device::refuse_peer(const char* verb, Rank peer, SourcePlace place) const {
  refuse(fmt::format("{} on rank {}: rank {} is not one of the {} ranks 0..{}", verb, rank_,
                     peer.index, ranks_, ranks_ - 1),
         place);
}

void Device::refuse_copy(const char* verb, Rank peer, const View& dst, const View& src,
                         SourcePlace place) const {
  if (!is_member(peer)) refuse_peer(verb, peer, place);
  refuse(fmt::format("{} on rank {}: destination of {} {} and source of {} {} differ; give views "
                     "of equal length and type",
                     verb, rank_, dst.count, name(dst.dtype), src.count, name(src.dtype)),
         place);
}

void Device::refuse_packets(const char* verb, Rank peer, const View& data,
                            SourcePlace place) const {
  if (!is_member(peer)) refuse_peer(verb, peer, place);
  refuse(fmt::format("{} on rank {}: {} bytes; packets take at most {}: put the rest apart", verb,
                     rank_, data.size_bytes(), Packets::max_bytes),
         place);
}

void Device::refuse_signal(const char* verb, Rank peer, int n, SourcePlace place) const {
  if (!is_member(peer)) refuse_peer(verb, peer, place);
  refuse(fmt::format("{} on rank {}: {} arrivals asked for; the least is 1", verb, rank_, n),
         place);
}

void Device::do_put_packets(Rank peer, const Packets& to, const View& src, SourcePlace place) {
  do_put_notify(peer, {to.data, src.count, src.dtype}, src, to.signal, place);
}

void Device::do_take_packets(const View& dst, const Packets& from, SourcePlace place) {
  do_wait(from.signal, 1, place);
  do_copy(dst, {from.data, dst.count, dst.dtype}, place);
}

void Device::do_reduce_packets(const View& dst, const View& own, const PacketRow& from, ReduceOp op,
                               SourcePlace place) {
  RankViews parts;
  for (int peer = 0; peer < ranks_; ++peer) {
    if (peer == rank_) {
      parts.add({Rank{rank_}, own});
      continue;
    }
    const Packets packets = from[peer];
    do_wait(packets.signal, 1, place);
    parts.add({Rank{rank_}, {packets.data, dst.count, dst.dtype}});
  }
  const RankView to{Rank{rank_}, dst};
  do_reduce({&to, 1}, parts.all(), op, place);
}

PacketRow Device::do_allocate_packets(std::string_view name, int count) {
  if (count < 0) {
    throw UsageError(fmt::format("packets `{}`: {} of them; allocate 0 or more", name, count));
  }
  const auto places = static_cast<std::size_t>(count);
  constexpr std::size_t stride = in_cache_lines(Packets::max_bytes);  // avoids false sharing
  const Window window = do_allocate(name, places * stride);
  const SignalRow signals = do_allocate_signals(name, count);
  if (count == 0) return {};
  return {{window.data, signals[0]}, stride, sizeof(SignalCell), count};
}

}  // namespace peal
