// SPDX-License-Identifier: Apache-2.0
// Packets over shared memory: a low-latency protocol in which each cache line carries 56 bytes of
// data and an 8-byte mark that tells which put they are of. The path of an 8-byte all_reduce
// (kernels/all_reduce_packet.cpp) on P ranks:
//   1. Each rank writes one line, 8 bytes and the mark, to its own box at each of the P-1 peers
//      (do_put_packets), and then rings the box's doorbell.
//   2. Each rank spins on the first line of each of its P-1 boxes until it has the expected mark
//      (await_packets), and then combines the data where it lies (reduce_packet_lines).
// So the latency is that of one cache line from each peer.
//
// Why it is correct:
//   a. Data before mark. A line's mark is stored with release after its data, and loaded with
//      acquire. Only one rank ever puts to a box, and its sequence numbers only grow, so the
//      expected mark means that this line holds the expected put.
//   b. No overwriting. A sender puts again only once it knows that its last put was taken (the
//      contract of Packets). all_reduce_packet keeps it without acknowledgements: its launches use
//      two sets of boxes in turn (collectives/scratch.h), and a rank begins launch k+2 after it has
//      received its peers' puts of launch k+1, which they send after they have taken those of k.
//   c. Sleeping. A receiver whose spin was not enough sleeps on the doorbell; wait/waiter.h shows
//      that no wakeup is lost. The sender rings after all lines of a put (release). So a
//      doorbell that has come to the put's number means that all its lines are visible; a line that
//      then has another mark is an error, and the mark tells which: a put of another call, a later
//      put, or a shorter put.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>

#include "peal/base/error.h"
#include "peal/base/sanitizers.h"
#include "peal/executors/shm/rank_device.h"
#include "peal/executors/shm/transfer/packet_box.h"
#include "peal/executors/shm/transfer/transfer.h"
#include "peal/executors/shm/transfer/vector_copy.h"
#include "peal/executors/shm/wait/waiter.h"

namespace peal {
namespace {

constexpr std::size_t line_bytes = PacketLine::data_bytes;

// The bits of a mark that are the put's sequence number.
constexpr std::uint64_t number_mask = (std::uint64_t{1} << stamp_shift) - 1;

// The first line from `next` on that does not have the mark yet; `end` if all have it.
std::size_t first_missing(PacketBox& box, std::size_t next, std::size_t end, std::uint64_t mark) {
  const auto is_there = [&](PacketLine& line) {
    return std::atomic_ref(line.mark).load(std::memory_order_acquire) == mark;
  };
  while (next < end && is_there(box.lines[next])) ++next;
  return next;
}

void write_line(PacketLine& line, const std::byte* src, std::size_t size_bytes,
                std::uint64_t mark) {
  if (size_bytes > 0) std::memcpy(line.data, src, size_bytes);
  std::atomic_ref(line.mark).store(mark, std::memory_order_release);
}

void write_lines(PacketLine* line, const std::byte* src, std::size_t size_bytes,
                 std::uint64_t mark) {
  const std::size_t whole = size_bytes / line_bytes, rest = size_bytes % line_bytes;
  if constexpr (is_thread_sanitized) {  // the sanitizer does not see vector stores
    for (std::size_t i = 0; i < whole; ++i) {
      write_line(line[i], src + i * line_bytes, line_bytes, mark);
    }
  } else if (whole > 0) {
    static const VectorPacketWriter write = vector_packet_writer();
    write(line, src, whole, mark);
  }
  if (rest > 0 || whole == 0) write_line(line[whole], src + whole * line_bytes, rest, mark);
}

void read_lines(std::byte* dst, const PacketLine* line, std::size_t size_bytes) {
  for (; size_bytes >= line_bytes; size_bytes -= line_bytes, dst += line_bytes, ++line) {
    std::memcpy(dst, line->data, line_bytes);
  }
  if (size_bytes > 0) std::memcpy(dst, line->data, size_bytes);
}

}  // namespace

// `box` is the peer's, which receives; `own` is this rank's box at the same place, of which a
// sender uses `puts` only.
void ShmDevice::do_put_packets(Rank peer, const Packets& to, const View& src, SourcePlace) {
  const View place{to.data, sizeof(PacketBox), DType::u8};
  PacketBox& box = *reinterpret_cast<PacketBox*>(at(peer, place, "put_packets"));
  PacketBox& own = packet_box(to);
  if (own.puts == nullptr) own.puts = count_puts();
  std::uint64_t& puts = own.puts[part_of(peer)];
  // arrival() is 1, which makes the last put's number this put's, plus the history within a call.
  const std::uint64_t mark = puts + arrival(), number = ++puts;
  count_put(peer, src);
  const bool is_remote = peer.index != rank();
  if (is_remote) ++counts_.notifies;
  if (settings_.values) {
    write_lines(box.lines, src.data, src.size_bytes(), mark);
  } else {
    for (std::size_t i = 0; i < PacketBox::lines_for(src.size_bytes()); ++i) {
      std::atomic_ref(box.lines[i].mark).store(mark, std::memory_order_release);
    }
  }
  // The doorbell comes after all lines (c). Its single writer need not be claimed, since only one
  // rank puts to the box (a).
  if (membership_.policy().uses_membarrier && is_remote) {
    store_and_wake(wait_word(box.doorbell), number - settings_.signal_start);
  } else {
    add_and_wake(wait_word(box.doorbell), 1);
  }
}

std::uint64_t* ShmDevice::count_puts() {
  const auto parts = static_cast<std::size_t>(membership_.arena().ranks());
  // Allocates once for each place that this rank puts from.
  put_counts_.push_back(std::make_unique<std::uint64_t[]>(parts));
  std::uint64_t* const counts = put_counts_.back().get();
  std::fill_n(counts, parts, settings_.signal_start);
  return counts;
}

void ShmDevice::await_packets(PacketBox& box, std::size_t size_bytes, SourcePlace place) {
  ++counts_.waits;
  const std::uint64_t mark = box.taken + arrival();  // arrival() has the + 1 to the next number
  const std::size_t lines = PacketBox::lines_for(size_bytes);
  const std::size_t missing = first_missing(box, 0, lines, mark);
  if (missing < lines) await_lines(box, missing, lines, place);
  ++box.taken;
}

// Spins on the marks (a), then sleeps on the doorbell (c), and then looks at the marks again.
void ShmDevice::await_lines(PacketBox& box, std::size_t next, std::size_t end, SourcePlace place) {
  const std::uint64_t number = box.taken + 1, mark = box.taken + arrival();
  for (int looks = membership_.policy().pauses; looks > 0; --looks) {
    next = first_missing(box, next, end, mark);
    if (next == end) return;
    pause_briefly();
  }
  const auto target = static_cast<std::uint32_t>(number);
  const WaitWord doorbell = wait_word(box.doorbell);
  box.owner_state.consumed = target - 1;  // for reports, which compute the missing arrivals from it
  WaitPolicy policy = membership_.policy();
  policy.pauses = 0;  // the loop above has spun already
  if (!has_reached(doorbell, target)) {
    show_call();
    wait_until_reached(doorbell, target, membership_.watch(), policy, "the wait", place);
  }
  next = first_missing(box, next, end, mark);
  if (next == end) return;
  const std::uint64_t there = std::atomic_ref(box.lines[next].mark).load();
  // The right sequence number with another history: the sender made another call.
  if (((there ^ number) & number_mask) == 0) refuse_heard(there - mark, 1);
  if ((there & number_mask) > (number & number_mask)) {
    throw RunError(
        fmt::format("the wait at {}:{} on rank {} is for packets that were overwritten by a later "
                    "put; put again only when it is known that they were taken",
                    place.file, place.line, rank()));
  }
  throw RunError(
      fmt::format("the wait at {}:{} on rank {} is for packets of more than {} bytes, and fewer "
                  "were put; make the calls of all ranks of one length",
                  place.file, place.line, rank(), next * line_bytes));
}

void ShmDevice::do_take_packets(const View& dst, const Packets& from, SourcePlace place) {
  PacketBox& box = packet_box(from);
  await_packets(box, dst.size_bytes(), place);
  if (settings_.values) read_lines(dst.data, box.lines, dst.size_bytes());
}

void ShmDevice::do_reduce_packets(const View& dst, const View& own, const PacketRow& from,
                                  ReduceOp op, SourcePlace place) {
  const auto ranks = static_cast<std::size_t>(this->ranks());
  PacketSource few[at_hand];
  PacketSource* const srcs = room_for(ranks, few, packet_sources_);
  for (int peer = 0; peer < this->ranks(); ++peer) {
    if (peer == rank()) {
      srcs[peer] = {own.data, line_bytes};
      continue;
    }
    PacketBox& box = packet_box(from[peer]);
    await_packets(box, dst.size_bytes(), place);
    srcs[peer] = {box.lines[0].data, sizeof(PacketLine)};
  }
  if (!settings_.values) return;
  reduce_packet_lines(
      {.dst = dst.data, .srcs = {srcs, ranks}, .count = dst.count, .dtype = dst.dtype, .op = op});
}

PacketRow ShmDevice::do_allocate_packets(std::string_view name, int count) {
  PEAL_CHECK(count >= 0);
  constexpr std::size_t stride = sizeof(PacketBox);
  std::byte* const data = allocate_alike(name, static_cast<std::size_t>(count) * stride, stride);
  const PacketRow row({data, {reinterpret_cast<SignalCell*>(data)}}, stride, stride, count);
  for (int i = 0; i < count; ++i) {
    PacketBox& box = packet_box(row[i]);
    box.doorbell.owner_state = offsetof(PacketBox, owner_state) - offsetof(PacketBox, doorbell);
    if (settings_.signal_start == 0) continue;
    box.taken = settings_.signal_start;
    // An addition, because peers may have rung already.
    std::atomic_ref(box.doorbell.added).fetch_add(settings_.signal_start);
  }
  return row;
}

}  // namespace peal
