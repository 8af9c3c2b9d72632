// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/device.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

void Device::check_reduce(std::span<const Place> dsts, std::span<const Place> srcs) const {
  if (dsts.empty() || srcs.empty()) {
    throw Error(fmt::format("reduce on rank {}: {} destinations and {} sources; give one of each",
                            rank_, dsts.size(), srcs.size()));
  }
  const View& first = dsts.front().view;
  for (const Place& dst : dsts) check_copy("reduce", dst.rank, dst.view, first);
  for (const Place& src : srcs) check_copy("reduce", src.rank, first, src.view);
}

void Device::refuse_copy(const char* verb, Rank peer, const View& dst, const View& src) const {
  if (!is_member(peer)) {
    throw Error(fmt::format("{} on rank {}: rank {} is not one of the {} ranks 0..{}", verb, rank_,
                            peer.index, ranks_, ranks_ - 1));
  }
  throw Error(fmt::format(
      "{} on rank {}: destination of {} {} and source of {} {} differ; give views of equal length "
      "and type",
      verb, rank_, dst.count, name(dst.dtype), src.count, name(src.dtype)));
}

void Device::refuse_signal(const char* verb, Rank peer, int n) const {
  if (!is_member(peer)) {
    throw Error(fmt::format("{} on rank {}: rank {} is not one of the {} ranks 0..{}", verb, rank_,
                            peer.index, ranks_, ranks_ - 1));
  }
  throw Error(fmt::format("{} on rank {}: {} arrivals asked for; the least is 1", verb, rank_, n));
}

}  // namespace peal
