// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/device.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "peal/base/error.h"
#include "peal/executors/shm/transfer.h"

namespace peal {
namespace {

constexpr std::size_t page_bytes = 4096;

// Of the cache that processors share, as the system knows it.
std::size_t shared_cache_bytes() {
  constexpr std::size_t assumed = std::size_t{32} << 20;
  const long known = ::sysconf(_SC_LEVEL3_CACHE_SIZE);
  return known > 0 ? static_cast<std::size_t>(known) : assumed;
}

}  // namespace

ShmDevice::ShmDevice(const ShmArena& arena, int rank, const Settings& settings)
    : Device(rank, arena.ranks()),
      arena_(arena),
      policy_(wait_policy(arena.ranks())),
      settings_(settings),
      part_(arena.part(rank)),
      stride_(static_cast<std::ptrdiff_t>(arena.part_bytes())),
      cache_bytes_(shared_cache_bytes()) {}

std::byte* ShmDevice::at(Rank peer, const View& view, const char* verb) const {
  if (peer.index == rank() || view.empty()) return view.data;
  const auto offset =
      reinterpret_cast<std::uintptr_t>(view.data) - reinterpret_cast<std::uintptr_t>(part_);
  if (offset >= used_ || view.size_bytes() > used_ - offset) {
    throw Error(fmt::format(
        "{} on rank {}: {} elements of rank {}'s memory are not in a window; allocate them with "
        "Team::allocate or Device::allocate",
        verb, rank(), view.count, peer.index));
  }
  return view.data + (peer.index - rank()) * stride_;
}

// Ranks do the same at the same time, as a rule.
Stores ShmDevice::stores_for(const View& view, std::size_t views) const {
  const std::size_t moved = view.size_bytes() * views * static_cast<std::size_t>(ranks());
  return moved > cache_bytes_ ? Stores::streaming : Stores::cached;
}

void ShmDevice::do_put(Rank peer, View dst, View src, SourcePlace) {
  std::byte* const to = at(peer, dst, "put");
  if (peer.index != rank()) {
    ++counts_.puts;
    counts_.sent_bytes += src.size_bytes();
  }
  if (settings_.values) copy_bytes(to, src.data, src.size_bytes(), stores_for(src, 2));
}

void ShmDevice::do_get(View dst, Rank peer, View src, SourcePlace) {
  const std::byte* const from = at(peer, src, "get");
  if (peer.index != rank()) ++counts_.gets;
  if (settings_.values) copy_bytes(dst.data, from, src.size_bytes(), stores_for(src, 2));
}

void ShmDevice::do_copy(View dst, View src, SourcePlace) {
  if (settings_.values) copy_bytes(dst.data, src.data, src.size_bytes(), stores_for(src, 2));
}

void ShmDevice::do_reduce(std::span<const Place> dsts, std::span<const Place> srcs, ReduceOp op,
                          SourcePlace) {
  reduce_dsts_.clear();
  reduce_srcs_.clear();
  for (const Place& dst : dsts) {
    reduce_dsts_.push_back(at(dst.rank, dst.view, "reduce"));
    if (dst.rank.index == rank()) continue;
    ++counts_.puts;
    counts_.sent_bytes += dst.view.size_bytes();
  }
  for (const Place& src : srcs) {
    reduce_srcs_.push_back(at(src.rank, src.view, "reduce"));
    if (src.rank.index != rank()) ++counts_.gets;
  }
  const View& shape = dsts.front().view;
  if (settings_.values) {
    reduce_elements(reduce_dsts_, reduce_srcs_, shape.count, shape.dtype, op,
                    stores_for(shape, dsts.size() + srcs.size()));
  }
}

void ShmDevice::do_put_reduce(Rank peer, View dst, View src, ReduceOp op, SourcePlace) {
  std::byte* const to = at(peer, dst, "put_reduce");
  const std::size_t element = size_bytes(dst.dtype);
  if (reinterpret_cast<std::uintptr_t>(to) % element != 0) {
    throw Error(
        fmt::format("put_reduce on rank {}: the destination is not aligned to its elements "
                    "of {} bytes, which are combined one by one; align it",
                    rank(), element));
  }
  if (peer.index != rank()) {
    ++counts_.puts;
    counts_.sent_bytes += src.size_bytes();
  }
  if (settings_.values) combine_atomically(to, src.data, src.count, src.dtype, op);
}

SignalCell& ShmDevice::cell_of(Rank peer, Signal signal, const char* verb) const {
  const View cell{reinterpret_cast<std::byte*>(signal.cell), sizeof(SignalCell), DType::u8};
  return *reinterpret_cast<SignalCell*>(at(peer, cell, verb));
}

void ShmDevice::do_notify(Rank peer, Signal signal, int n, SourcePlace) {
  SignalCell& cell = cell_of(peer, signal, "notify");
  if (peer.index != rank()) ++counts_.notifies;
  add_and_wake({cell.arrived, cell.sleepers}, static_cast<std::uint32_t>(n));
}

void ShmDevice::do_put_notify(Rank peer, View dst, View src, Signal signal, SourcePlace place) {
  do_put(peer, dst, src, place);
  do_notify(peer, signal, 1, place);
}

void ShmDevice::do_wait(Signal signal, int n, SourcePlace place) {
  ++counts_.waits;
  SignalCell& cell = *signal.cell;
  const std::uint32_t target = cell.consumed + static_cast<std::uint32_t>(n);
  if (!has_reached(cell.arrived, target)) {
    wait_until_reached({cell.arrived, cell.sleepers}, target, arena_, policy_, "the wait", place);
  }
  cell.consumed = target;
}

bool ShmDevice::do_poll(Signal signal, int n, SourcePlace place) {
  SignalCell& cell = *signal.cell;
  const std::uint32_t target = cell.consumed + static_cast<std::uint32_t>(n);
  const std::uint32_t seen = std::atomic_ref(cell.arrived).load(std::memory_order_acquire);
  if (static_cast<std::int32_t>(seen - target) < 0) {
    if (const std::optional<std::string> why = arena_.failure()) {
      throw RunError(
          fmt::format("{}, so the poll at {}:{} is in vain", *why, place.file, place.line));
    }
    return false;
  }
  cell.consumed = target;
  return true;
}

// A peer that learns of it by any means of its own sees what was stored before.
void ShmDevice::do_flush(SourcePlace) { std::atomic_thread_fence(std::memory_order_acq_rel); }

std::span<std::byte> ShmDevice::do_access(View view, Access, SourcePlace) {
  return {view.data, view.size_bytes()};
}

void ShmDevice::do_compute(const ComputeCost&, const std::function<void()>& fn, SourcePlace) {
  if (settings_.values) fn();
}

// The first rank that makes an allocation decides its name and size.
void ShmDevice::compare_allocation(std::string_view name, std::size_t size_bytes) {
  const std::size_t index = allocations_++;
  if (index >= ShmControl::most_allocations) return;
  AllocationControl& known = arena_.control().allocations[index];
  const std::string_view kept = name.substr(0, AllocationControl::name_bytes - 1);
  std::uint32_t nobody = 0;
  if (known.state.compare_exchange_strong(nobody, 1)) {
    known.size_bytes = size_bytes;
    std::memcpy(known.name, kept.data(), kept.size());
    known.state.store(2, std::memory_order_release);
    return;
  }
  while (known.state.load(std::memory_order_acquire) != 2) {
    if (arena_.failure()) return;  // the one that was writing may be dead
  }
  if (known.size_bytes == size_bytes && kept == known.name) return;
  throw Error(
      fmt::format("window `{}` of {} bytes is allocation {} of rank {}, but another rank's is `{}` "
                  "of {} bytes; "
                  "make the same allocations in the same order on every rank",
                  name, size_bytes, index, rank(), known.name, known.size_bytes));
}

bool ShmDevice::do_is_in_window(const View& view) const {
  const auto offset =
      reinterpret_cast<std::uintptr_t>(view.data) - reinterpret_cast<std::uintptr_t>(part_);
  return offset < used_ && view.size_bytes() <= used_ - offset;
}

Window ShmDevice::do_allocate(std::string_view name, std::size_t size) {
  compare_allocation(name, size);
  const std::size_t left = arena_.part_bytes() - used_;
  if (size > left) {
    throw Error(
        fmt::format("window `{}` of {} bytes does not fit into the {} bytes that are left of "
                    "a rank's {}; use fewer ranks or smaller buffers",
                    name, size, left, arena_.part_bytes()));
  }
  std::byte* const data = part_ + used_;
  used_ = std::min(arena_.part_bytes(), used_ + (size + 63) / 64 * 64);
#ifdef MADV_POPULATE_WRITE
  // First touched by the owner, and not in the midst of a transfer. Where that is refused, the
  // pages come when they are used.
  if (size >= page_bytes) {
    const auto begin = reinterpret_cast<std::uintptr_t>(data) / page_bytes * page_bytes;
    const auto end = reinterpret_cast<std::uintptr_t>(data) + size;
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
  }
#endif
  return {data, size};
}

SignalRow ShmDevice::do_allocate_signals(std::string_view name, int count) {
  CHECK(count >= 0);
  const Window window = do_allocate(name, static_cast<std::size_t>(count) * sizeof(SignalCell));
  auto* const cells = reinterpret_cast<SignalCell*>(window.data);
  for (int i = 0; i < count && settings_.signal_start != 0; ++i) {
    // Added, because peers may have notified already.
    std::atomic_ref(cells[i].arrived).fetch_add(settings_.signal_start);
    cells[i].consumed = settings_.signal_start;
  }
  return {cells, count};
}

}  // namespace peal
