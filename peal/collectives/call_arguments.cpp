// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/call_arguments.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {
namespace {

bool overlap(const ConstView& a, const ConstView& b) {
  return a.data < b.data + b.size_bytes() && b.data < a.data + a.size_bytes();
}

// True if the two are the same memory or the shorter one is this rank's own block of the longer.
bool in_place(const ConstView& send, const ConstView& recv, std::size_t count, int rank) {
  const std::size_t own = static_cast<std::size_t>(rank) * count;
  if (recv.count > send.count) return send.data == recv.part(own, 0).data;
  if (send.count > recv.count) return recv.data == send.part(own, 0).data;
  return send.data == recv.data;
}

}  // namespace

std::size_t check_arguments(const CallArguments& call, int rank, int ranks) {
  const ConstView& send = *call.send;
  const View& recv = *call.recv;
  const int root = call.traits.root();
  const char* const what = name(call.traits.collective());
  const CollectiveShape blocks = shape(call.traits.collective(), ranks);
  if (blocks.has_root && (root < 0 || root >= ranks)) {
    throw UsageError(
        fmt::format("{}: root {} is not one of the {} ranks 0..{}", what, root, ranks, ranks - 1));
  }
  const bool gives = blocks.send_blocks > 0 && call.does_send(rank);
  const bool takes = blocks.recv_blocks > 0 && call.does_receive(rank);
  const auto send_blocks = static_cast<std::size_t>(blocks.send_blocks);
  const auto recv_blocks = static_cast<std::size_t>(blocks.recv_blocks);
  std::size_t count = 0;
  if (takes) count = recv.count / recv_blocks;
  if (!takes && gives) count = send.count / send_blocks;
  if (takes && recv.count != count * recv_blocks) {
    throw UsageError(
        fmt::format("{} on rank {}: recv holds {} elements; give a multiple of the {} ranks", what,
                    rank, recv.count, ranks));
  }
  if (gives && send.count != count * send_blocks) {
    throw UsageError(fmt::format(
        "{} on rank {}: send holds {} elements and recv {}; for blocks of {} give {} and {}", what,
        rank, send.count, recv.count, count, count * send_blocks, count * recv_blocks));
  }
  if (gives && takes && send.dtype != recv.dtype) {
    throw UsageError(fmt::format("{} on rank {}: send is {} and recv is {}; give one type", what,
                                 rank, name(send.dtype), name(recv.dtype)));
  }
  if (gives && takes && count > 0 && overlap(send, recv) && !in_place(send, recv, count, rank)) {
    throw UsageError(fmt::format(
        "{} on rank {}: send and recv overlap in part; for in place give {}", what, rank,
        send.count == recv.count ? "the same for both, else memory apart"
                                 : fmt::format("block {} of the longer one as the shorter, else "
                                               "memory apart",
                                               rank)));
  }
  return count;
}

}  // namespace peal
