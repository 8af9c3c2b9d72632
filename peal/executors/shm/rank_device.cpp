// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/rank_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>

#include "peal/base/error.h"
#include "peal/base/sanitizers.h"
#include "peal/executors/shm/transfer/transfer.h"
#include "peal/executors/shm/wait/signal_owner_state.h"

namespace peal {

ShmDevice::ShmDevice(ShmMembership& membership, const Settings& settings)
    : Device(membership.rank(), membership.ranks()),
      membership_(membership),
      settings_(settings),
      counts_(own_counts_) {}

void ShmDevice::refuse(Rank peer, const View& view, const char* verb) const {
  throw UsageError(fmt::format(
      "{} on rank {}: {} elements of rank {}'s memory are not in a window; allocate them with "
      "Team::allocate or Device::allocate",
      verb, rank(), view.count, peer.index));
}

Stores ShmDevice::stores_for_long(Rank rank, const View& dst, std::size_t views) const {
  const TransferHint& call = transfer_hint();
  const bool is_remote = rank.index != this->rank();
  const Stores through = is_remote ? Stores::to_peer : Stores::cached;
  const bool is_scratch = dst.data >= call.scratch && dst.data < call.scratch + call.scratch_bytes;
  if (is_scratch) return Stores::to_peer;  // peers have read it, so its lines are in their caches
  // Without a shared cache, fetching a peer's lines in order to overwrite them is expensive;
  // streaming stores avoid that, as do the copy instructions that Stores::to_peer takes below this
  // size.
  constexpr std::size_t max_bytes = std::size_t{1} << 20;
  if (call.lacks_shared_cache && is_remote && dst.size_bytes() >= max_bytes)
    return Stores::streaming;
  // If the caller does not know, assume that all ranks run the same verb at the same time.
  std::size_t moved = call.moved_bytes;
  if (moved == 0) moved = dst.size_bytes() * views * static_cast<std::size_t>(ranks());
  return moved < membership_.arena().control().cache_bytes ? through : Stores::streaming;
}

void ShmDevice::do_put(Rank peer, const View& dst, const View& src, SourcePlace) {
  std::byte* const to = at(peer, dst, "put");
  count_put(peer, src);
  if (settings_.values) copy_bytes(to, src.data, src.size_bytes(), stores_for(peer, dst, 2));
}

void ShmDevice::do_get(const View& dst, Rank peer, const View& src, SourcePlace) {
  const std::byte* const from = at(peer, src, "get");
  if (peer.index != rank()) ++counts_.gets;
  if (!settings_.values) return;
  copy_bytes(dst.data, from, src.size_bytes(), stores_for(Rank{rank()}, dst, 2));
}

void ShmDevice::do_copy(const View& dst, const View& src, SourcePlace) {
  if (!settings_.values) return;
  copy_bytes(dst.data, src.data, src.size_bytes(), stores_for(Rank{rank()}, dst, 2));
}

void ShmDevice::do_reduce(std::span<const RankView> dsts, std::span<const RankView> srcs,
                          ReduceOp op, SourcePlace) {
  std::byte* few_dsts[at_hand];
  const std::byte* few_srcs[at_hand];
  std::byte** const to = room_for(dsts.size(), few_dsts, reduce_dsts_);
  const std::byte** const from = room_for(srcs.size(), few_srcs, reduce_srcs_);
  // Sorts the destinations: this rank's own first, those with streaming stores last.
  std::size_t cached = 0, streamed = 0, to_peers = 0;
  for (const RankView& dst : dsts) {
    const Stores stores = stores_for(dst.rank, dst.view, dsts.size() + srcs.size());
    const bool streams = stores == Stores::streaming;
    const bool is_own = dst.rank.index == rank();
    to_peers += stores == Stores::to_peer && !is_own ? 1 : 0;
    std::byte*& next = to[streams ? dsts.size() - ++streamed : cached++];
    next = at(dst.rank, dst.view, "reduce");
    if (is_own && !streams) std::swap(to[0], next);
    count_put(dst.rank, dst.view);
  }
  for (std::size_t i = 0; i < srcs.size(); ++i) {
    from[i] = at(srcs[i].rank, srcs[i].view, "reduce");
    if (srcs[i].rank.index != rank()) ++counts_.gets;
  }
  const View& shape = dsts.front().view;
  if (!settings_.values) return;
  const bool hands_over = to_peers > 0 && streamed == 0 && to_peers + 1 == dsts.size();
  if (hands_over) {
    return reduce_and_hand_over({to, dsts.size()}, {from, srcs.size()}, shape.count, shape.dtype,
                                op);
  }
  reduce_elements({.dsts = {to, dsts.size()},
                   .srcs = {from, srcs.size()},
                   .count = shape.count,
                   .dtype = shape.dtype,
                   .op = op,
                   .streamed = streamed});
}

void ShmDevice::do_put_reduce(Rank peer, const View& dst, const View& src, ReduceOp op,
                              SourcePlace) {
  std::byte* const to = at(peer, dst, "put_reduce");
  const std::size_t element = size_bytes(dst.dtype);
  if (reinterpret_cast<std::uintptr_t>(to) % element != 0) {
    throw UsageError(
        fmt::format("put_reduce on rank {}: the destination is not aligned to its elements "
                    "of {} bytes, which are combined one by one; align it",
                    rank(), element));
  }
  count_put(peer, src);
  if (settings_.values) combine_atomically(to, src.data, src.count, src.dtype, op);
}

SignalCell& ShmDevice::cell_of(Rank peer, Signal signal, const char* verb) const {
  const View cell{reinterpret_cast<std::byte*>(signal.cell), sizeof(SignalCell), DType::u8};
  return *reinterpret_cast<SignalCell*>(at(peer, cell, verb));
}

void ShmDevice::do_notify(Rank peer, Signal signal, int n, SourcePlace) {
  SignalCell& cell = cell_of(peer, signal, "notify");
  if (peer.index != rank()) ++counts_.notifies;
  arrive(peer, cell, signal, static_cast<std::uint64_t>(n) * arrival());
}

// The notifier's side of the single-writer protocol (SignalOwnerState): step 2, after step 1 at the
// first notify to this cell. A rank notifies its own cell by addition.
void ShmDevice::arrive(Rank peer, SignalCell& cell, Signal signal, std::uint64_t arrivals) {
  if (membership_.policy().uses_membarrier && peer.index != rank()) {
    SignalOwnerState::WriterCount& count = owner_state(*signal.cell).writer_counts()[part_of(peer)];
    if (count == SignalOwnerState::unclaimed && !is_single_writer(peer, signal))
      count = SignalOwnerState::others;
    if (count != SignalOwnerState::others) {
      count += arrivals;
      return store_and_wake(wait_word(cell), count);
    }
  }
  add_and_wake(wait_word(cell), arrivals);
}

// Step 1. The peer's owner state is at the same distance from its cell as this rank's.
bool ShmDevice::is_single_writer(Rank peer, Signal signal) const {
  std::byte* const own = reinterpret_cast<std::byte*>(&owner_state(*signal.cell));
  auto& theirs = *reinterpret_cast<SignalOwnerState*>(own + membership_.shift(peer.index));
  std::uint32_t single_writer = 0;
  return std::atomic_ref(theirs.single_writer).compare_exchange_strong(single_writer, own_mark_) ||
         single_writer == own_mark_;
}

void ShmDevice::do_put_notify(Rank peer, const View& dst, const View& src, Signal signal,
                              SourcePlace place) {
  if (dst.data != signal.cell->payload) {
    do_put(peer, dst, src, place);
    return do_notify(peer, signal, 1, place);
  }
  // Data and signal share a cache line, and are written while this processor owns it.
  SignalCell& cell = cell_of(peer, signal, "put_notify");
  count_put(peer, src);
  if (peer.index != rank()) ++counts_.notifies;
  if (settings_.values) copy_bytes(cell.payload, src.data, src.size_bytes());
  arrive(peer, cell, signal, arrival());
}

void ShmDevice::do_wait(Signal signal, int n, SourcePlace place) {
  ++counts_.waits;
  SignalCell& cell = *signal.cell;
  std::uint64_t& consumed = owner_state(cell).consumed;
  const std::uint64_t target = consumed + static_cast<std::uint64_t>(n) * arrival();
  if (sum(wait_word(cell)) != target) await_arrivals(cell, target, n, place);
  consumed = target;
}

// The check of histories. Let A be arrival(): one arrival, plus in the upper bits the history of
// calls. If all ranks have made the same calls, every arrival that the cell gets during this
// call adds A exactly: arrivals of earlier calls are consumed, and a rank that could notify this
// cell for a later call must first hear from this rank, or wait for a credit (Device::give_credit).
// So the sum is target + m * A, where m >= 0 is the number of early arrivals of this call, and m is
// the lower half of sum - target. If sum - target - m * A is not 0, some arrival had another
// history: the ranks have made different calls.
void ShmDevice::await_arrivals(SignalCell& cell, std::uint64_t target, int n, SourcePlace place) {
  const WaitWord word = wait_word(cell);
  const auto count = static_cast<std::uint32_t>(target);
  if (!has_reached(word, count)) {
    show_call();
    wait_until_reached(word, count, membership_.watch(), membership_.policy(), "the wait", place);
  }
  const std::uint64_t more = sum(word) - target;
  const std::uint64_t excess = more - static_cast<std::uint32_t>(more) * arrival();
  if (excess != 0) refuse_heard(excess, n + static_cast<int>(static_cast<std::uint32_t>(more)));
}

CallPosition ShmDevice::position() const {
  return {.part = part_of(Rank{rank()}),
          .place = calls_shown_->place(),
          .number = std::max(calls(), calls_shown_->last_first())};
}

void ShmDevice::show_call() {
  const bool is_known = calls_shown_.has_value();
  const bool is_within =
      is_known && (arrival() != unstamped_arrival || calls_shown_->last_first() > calls());
  membership_.watch().set_call(is_known ? &*calls_shown_ : nullptr,
                               is_known ? position().number : 0, is_within);
}

void ShmDevice::show_calls() const {
  if (calls_shown_) calls_shown_->publish(calls());
}

void ShmDevice::refuse_heard(std::uint64_t excess, int n) const {
  if (!calls_shown_) {  // this team has made no calls, so the history is not of its calls
    throw RunError(
        fmt::format("a wait on rank {} has heard from a rank that is in a collective call; use "
                    "signals in or outside of calls",
                    rank()));
  }
  const UnlikeArrivals heard{.own = arrival(), .excess = excess, .most = n};
  throw RunError(membership_.watch().abort(describe_heard(membership_.arena(), position(), heard)));
}

std::uint64_t ShmDevice::do_announce(const CallRecord& call) {
  if (!calls_shown_) {
    const std::byte* const place = allocate_alike("collective calls", sizeof(CallHistory));
    const int part = part_of(Rank{rank()});
    calls_shown_.emplace(membership_.arena(), part, rank(),
                         static_cast<std::size_t>(place - membership_.arena().part(part)));
  }
  return calls_shown_->announce({.first = calls() + 1, .before = history()}, call);
}

bool ShmDevice::do_announce_again(std::uint64_t number) {
  return calls_shown_ &&
         calls_shown_->announce_again({.first = calls() + 1, .before = history()}, number);
}

std::byte* ShmDevice::allocate_alike(std::string_view name, std::size_t size_bytes,
                                     std::size_t signal_stride) {
  try {
    return membership_.allocate(name, size_bytes, signal_stride);
  } catch (const UnlikeAllocation& unlike) {
    if (!calls_shown_) throw;
    // If the ranks' calls differ, then that is the cause, and the better report.
    const std::optional<std::string> why =
        difference_to(membership_.arena(), position(), part_of(Rank{unlike.rank()}));
    if (!why) throw;
    throw RunError(membership_.watch().abort(*why));
  }
}

bool ShmDevice::do_poll(Signal signal, int n, SourcePlace place) {
  SignalCell& cell = *signal.cell;
  std::uint64_t& consumed = owner_state(cell).consumed;
  const std::uint64_t target = consumed + static_cast<std::uint64_t>(n) * arrival();
  const WaitWord word = wait_word(cell);
  if (!has_reached(word, static_cast<std::uint32_t>(target))) {
    if (const std::optional<std::string> why = membership_.watch().failure()) {
      throw RunError(
          fmt::format("{}, so the poll at {}:{} is in vain", *why, place.file, place.line));
    }
    return false;
  }
  await_arrivals(cell, target, n, place);
  consumed = target;
  return true;
}

// Orders all earlier accesses before later ones, for callers that synchronize by means of their
// own.
void ShmDevice::do_flush(SourcePlace) {
  // Peal's own synchronization does not rely on this fence: notify is a release and wait an
  // acquire. The thread sanitizer does not support fences; without this one it reports code that
  // relies on a flush alone.
  if constexpr (!is_thread_sanitized) std::atomic_thread_fence(std::memory_order_acq_rel);
}

std::span<std::byte> ShmDevice::do_access(const View& view, Access, SourcePlace) {
  return {view.data, view.size_bytes()};
}

void ShmDevice::do_compute(const ComputeCost&, const std::function<void()>& fn, SourcePlace) {
  if (settings_.values) fn();
}

bool ShmDevice::do_is_in_window(const ConstView& view) const {
  return membership_.is_in_windows(view);
}

HostFacts ShmDevice::do_host() const {
  return {.is_real = true,
          .is_oversubscribed = membership_.policy().is_oversubscribed,
          .moves_values = settings_.values};
}

Window ShmDevice::do_allocate(std::string_view name, std::size_t size) {
  return {allocate_alike(name, size), size};
}

SignalRow ShmDevice::do_allocate_signals(std::string_view name, int count) {
  PEAL_CHECK(count >= 0);
  const auto number = static_cast<std::size_t>(count);
  const std::size_t cells_bytes = number * sizeof(SignalCell);
  const int writers = membership_.policy().uses_membarrier ? membership_.arena().ranks() : 0;
  const std::size_t owner_state_bytes = SignalOwnerState::bytes_for(writers);
  // SignalCell::owner_state, the distance from a cell to its owner state, has 32 bits.
  const std::size_t most = UINT32_MAX / (sizeof(SignalCell) + owner_state_bytes);
  if (number > most) {
    throw UsageError(
        fmt::format("signals `{}`: {} cells; at most {} can be allocated at once for {} "
                    "ranks, so allocate them in parts",
                    name, count, most, ranks()));
  }
  std::byte* const data = allocate_alike(name, cells_bytes + number * owner_state_bytes);
  auto* const cells = reinterpret_cast<SignalCell*>(data);
  for (std::size_t i = 0; i < number; ++i) {
    std::byte* const place = data + cells_bytes + i * owner_state_bytes;
    cells[i].owner_state =
        static_cast<std::uint32_t>(place - reinterpret_cast<std::byte*>(cells + i));
    if (settings_.signal_start == 0) continue;
    // An addition, because peers may have notified already.
    std::atomic_ref(cells[i].added).fetch_add(settings_.signal_start);
    owner_state(cells[i]).consumed = settings_.signal_start;
  }
  return {cells, count};
}

}  // namespace peal
