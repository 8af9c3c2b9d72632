// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/membership.h"

#include <fmt/format.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <numeric>
#include <utility>

#include "peal/base/alignment.h"
#include "peal/base/error.h"
#include "peal/executors/shm/memory/pages.h"

namespace peal {
namespace {

enum RecordState : std::uint32_t { nobodys = 0, being_written = 1, written = 2, refused = 3 };

}  // namespace

ShmMembership::Settings whole_team(const ShmArena& arena, int rank, ShmWatch& watch,
                                   const WaitPolicy& policy) {
  std::vector<int> parts(static_cast<std::size_t>(arena.ranks()));
  std::iota(parts.begin(), parts.end(), 0);
  return {.parts = std::move(parts),
          .rank = rank,
          .allocations = arena.control().allocations,
          .watch = watch,
          .policy = policy};
}

ShmMembership::ShmMembership(const ShmArena& arena, Settings settings)
    : arena_(arena),
      parts_(std::move(settings.parts)),
      rank_(settings.rank),
      watch_(settings.watch),
      policy_(settings.policy),
      has_tasks_(settings.has_tasks),
      chunk_(&settings.allocations),
      whole_(settings.whole),
      windows_(whole_ == nullptr ? std::make_shared<Windows>() : whole_->windows_) {
  if (arena_.control().has_single_writers) {
    register_for_membarrier();
    policy_.uses_membarrier = true;
  }
  const std::byte* const own = arena_.part(parts_[static_cast<std::size_t>(rank_)]);
  for (int part : parts_) shifts_.push_back(arena_.part(part) - own);
}

bool ShmMembership::holds_any(const std::byte* data, std::size_t size_bytes) const {
  for (const Range& range : ranges_) {
    if (!is_in(range, data, size_bytes)) continue;
    last_ = range;
    return true;
  }
  return whole_ != nullptr && whole_->holds(data, size_bytes);
}

void ShmMembership::add_window(std::string_view name, std::byte* data, std::size_t size_bytes,
                               std::size_t signal_stride) {
  windows_->push_back({std::string(name), {data, size_bytes}, signal_stride});
  const std::size_t extent = in_cache_lines(size_bytes);
  last_ = {};
  if (!ranges_.empty() && ranges_.back().begin + ranges_.back().size_bytes == data) {
    ranges_.back().size_bytes += extent;
  } else {
    ranges_.push_back({data, extent});
  }
}

std::string ShmMembership::name_of(const SignalCell* signal) const {
  const auto* const byte = reinterpret_cast<const std::byte*>(signal);
  for (const Window& window : *windows_) {
    if (!is_in(window.range, byte, sizeof(SignalCell))) continue;
    const auto offset = static_cast<std::size_t>(byte - window.range.begin);
    return fmt::format("`{}[{}]`", window.name, offset / window.signal_stride);
  }
  return "a signal";
}

AllocationRecord& ShmMembership::next_record() {
  const std::size_t index = allocations_++ % AllocationChunk::records_count;
  // This rank has written or read the last record of the chunk, and so sees `next`.
  if (index == 0 && allocations_ != 1) {
    if (chunk_->next == 0)
      throw UsageError("there is no memory left for a list of windows; use fewer");
    chunk_ = reinterpret_cast<AllocationChunk*>(arena_.part(parts_.front()) + chunk_->next);
  }
  return chunk_->records[index];
}

void ShmMembership::decide(AllocationRecord& record, std::string_view name,
                           std::size_t size_bytes) {
  record.size_bytes = size_bytes;
  std::memcpy(record.name, name.data(), name.size());
  if (&record == &chunk_->records[AllocationChunk::records_count - 1]) {
    chunk_->next = arena_.take_symmetric("list of allocations", sizeof(AllocationChunk));
  }
  record.offset = arena_.take_symmetric(name, size_bytes);
}

void ShmMembership::wait_for(const AllocationRecord& record, std::string_view name) const {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  while (record.state.load(std::memory_order_acquire) == being_written) {
    // The elected writer may have died.
    if (const std::optional<std::string> why = watch_.failure()) throw RunError(*why);
    const std::chrono::duration<double> waited = Clock::now() - begin;
    if (waited.count() >= policy_.timeout_seconds) {
      const int writer = record.writer.load() - 1;
      throw RunError(fmt::format(
          "window `{}` of rank {}: {}, which allocates it first, has not ended that for {} s; look "
          "what it does, or raise PEAL_TIMEOUT",
          name, rank_, writer < 0 ? "another rank" : fmt::format("rank {}", writer),
          policy_.timeout_seconds));
    }
    ::sched_yield();
  }
}

void ShmMembership::compare(const AllocationRecord& record, std::string_view name,
                            std::size_t size_bytes) const {
  if (record.size_bytes == size_bytes && name == record.name) return;
  const int writer = record.writer.load() - 1;
  throw UnlikeAllocation(
      fmt::format(
          "window `{}` of {} bytes is allocation {} of rank {}, but rank {}'s is `{}` of {} "
          "bytes; make the same allocations in the same order on every rank",
          name, size_bytes, allocations_ - 1, rank_, writer, record.name, record.size_bytes),
      writer);
}

// Agreement without a barrier: the members' n-th allocations share the n-th record of the team's
// list. Whoever moves its state from `nobodys` to `being_written` decides the offset and publishes
// it by a release store; the others wait for that, and compare. Different teams, and the chunks of
// the list, take their memory from the same counter of the arena, so ranges never overlap.
std::byte* ShmMembership::allocate(std::string_view name, std::size_t size_bytes,
                                   std::size_t signal_stride) {
  AllocationRecord& record = next_record();
  const std::string_view kept = name.substr(0, AllocationRecord::name_bytes - 1);
  std::uint32_t state = nobodys;
  if (record.state.compare_exchange_strong(state, being_written)) {
    record.writer.store(rank_ + 1);
    try {
      decide(record, kept, size_bytes);
    } catch (...) {
      record.state.store(refused, std::memory_order_release);
      throw;
    }
    record.state.store(written, std::memory_order_release);
  } else {
    wait_for(record, name);
    compare(record, kept, size_bytes);
    if (record.state.load() == refused) arena_.refuse_symmetric(name, size_bytes);
  }
  std::byte* const data = arena_.part(parts_[static_cast<std::size_t>(rank_)]) + record.offset;
  prefault(data, size_bytes);  // by the owner, so that the pages are on its NUMA node
  add_window(name, data, size_bytes, signal_stride);
  return data;
}

}  // namespace peal
