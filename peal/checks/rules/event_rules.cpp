// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/rules/event_rules.h"

#include <bit>
#include <limits>

namespace peal {
namespace {

// For addresses and sizes each, so that the end of a range does not wrap.
constexpr std::uint64_t highest_address = std::uint64_t{1} << 62;
constexpr std::int64_t max_elements = std::int64_t{1} << 48;
// Rows of one tile: more than the aligned rows that fit into the on-chip memory of current chips.
constexpr std::uint32_t max_rows = 16384;
constexpr std::uint64_t max_on_chip_bytes = std::uint64_t{1} << 28;
// Limits the bytes accessed through scalar caches, which the Checker follows line by line: a fixed
// allowance plus one per event, so that the work is proportional to the size of the file.
constexpr std::uint64_t max_cached_bytes = std::uint64_t{1} << 26;
constexpr std::uint64_t cached_bytes_per_event = 256;

template <class Enum>
bool is_up_to(Enum value, Enum last) {
  return static_cast<unsigned>(value) <= static_cast<unsigned>(last);
}

bool is_within(std::int64_t value, std::int64_t lowest, std::int64_t highest) {
  return value >= lowest && value <= highest;
}

bool is_range(std::uint64_t address, std::uint64_t size_bytes) {
  return address <= highest_address && size_bytes <= highest_address;
}

constexpr std::int64_t highest_word = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t lowest_word = std::numeric_limits<std::int32_t>::min();

bool is_instruction(EventKind kind) {
  return kind == EventKind::load || kind == EventKind::store || kind == EventKind::vector;
}

// True if the event is an instruction that waits in the queue of a pipe, so that `issued` counts.
bool is_queued(const Event& event) {
  const bool is_flag = event.kind == EventKind::set_flag || event.kind == EventKind::wait_flag;
  return is_instruction(event.kind) || (is_flag && event.pipe != Pipe::scalar) ||
         (event.kind == EventKind::pipe_barrier && event.pipe != Pipe::all);
}

bool is_pipe(std::uint8_t number) {
  return number < pipe_count && number != static_cast<int>(Pipe::all);
}

const char* violated_by_enumerations(const Event& event) {
  if (!is_up_to(event.kind, EventKind::word_stored)) return "a kind that is unknown";
  if (!is_up_to(event.pipe, Pipe::dma)) return "a pipe that is unknown";
  if (!is_up_to(event.region, RegionKind::on_chip)) return "a kind of memory that is unknown";
  if (!is_up_to(event.combination, Combination::other)) return "a combination that is unknown";
  if (!is_up_to(event.op, NotifyOp::set)) return "an operation on a signal that is unknown";
  if (!is_up_to(event.cmp, WaitCmp::le)) return "a comparison that is unknown";
  if (!is_up_to(event.look, Look::again)) return "a kind of look that is unknown";
  return nullptr;
}

}  // namespace

const char* EventRules::violated_by(const Event& event) {
  const char* wrong = violated_by_enumerations(event);
  if (wrong != nullptr) return wrong;
  if (!is_within(event.rank, 0, ranks_ - 1)) return "a rank that the run does not have";
  if (!is_within(event.peer, 0, ranks_ - 1)) return "a peer that the run does not have";
  if (!is_range(event.address, event.size_bytes)) return "bytes beyond the last address";
  if (event.kind == EventKind::region) {
    wrong = violated_by_region(event);
  } else {
    const auto index = static_cast<std::size_t>(event.core);
    if (event.core < 0 || index >= cores_.size()) return "a core that the run does not have";
    const Core& core = cores_[index];
    wrong = violated_by_footprints(event, core);
    if (wrong == nullptr) wrong = violated_by_pipes(event, core);
    if (wrong == nullptr) wrong = violated_by_kind(event);
  }
  if (wrong == nullptr) remember(event);
  return wrong;
}

const char* EventRules::violated_by_region(const Event& event) const {
  if (!is_within(event.value, 0, highest_word)) return "a first value that is no word";
  if (event.region != RegionKind::on_chip) return nullptr;
  if (has_begun_) return "a core that comes after the run has begun";
  if (static_cast<std::size_t>(event.core) != cores_.size()) return "a core out of order";
  if (cores_.size() == max_cores) return "more than 8192 cores";
  if (event.size_bytes > max_on_chip_bytes) return "on-chip memory that is too large";
  return nullptr;
}

// An area in global memory has a single row. Only a tile has several; it lies within the on-chip
// memory of the event's core, and its rows do not overlap. With these limits the end of a tile
// cannot wrap.
const char* EventRules::violated_by_footprints(const Event& event, const Core& core) const {
  for (const auto& areas : {event.reads, event.writes}) {
    for (const Footprint& area : areas) {
      if (area.element_bytes > 8 || !std::has_single_bit(area.element_bytes)) {
        return "elements of a size that no type has";
      }
      if (area.rows == 0) return "bytes without rows";
      if (!is_range(area.address, area.row_bytes)) return "bytes beyond the last address";
      if (area.rows == 1) continue;
      if (area.rows > max_rows) return "more rows than a tile has";
      if (area.stride_bytes > max_on_chip_bytes || area.stride_bytes < area.row_bytes) {
        return "rows that overlap";
      }
      const std::uint64_t end = area.address + (area.rows - 1) * area.stride_bytes + area.row_bytes;
      if (area.address < core.begin || end > core.end) return "rows outside the core's memory";
    }
  }
  return nullptr;
}

// `issued` indexes the issue clocks of CoreOrder: it is at most the number of ordering events so
// far and, as barriers drop old clocks, at least that number at the last barrier of all pipes. DMA
// transfers are exempt, as such a barrier does not wait for them.
const char* EventRules::violated_by_pipes(const Event& event, const Core& core) const {
  if (is_instruction(event.kind) && (event.pipe == Pipe::all || event.pipe == Pipe::scalar)) {
    return "an instruction of a pipe that has none";
  }
  if (event.kind == EventKind::set_flag || event.kind == EventKind::wait_flag) {
    if (event.pipe == Pipe::all || !is_pipe(event.flag_pipe) || event.flag_id >= 8) {
      return "an event flag that no core has";
    }
  }
  if (!is_queued(event)) return nullptr;
  if (event.issued > core.ordering) return "an instruction that is issued after it is executed";
  if (event.issued < core.drained && event.pipe != Pipe::dma) {
    return "an instruction that a barrier should have waited for";
  }
  return nullptr;
}

const char* EventRules::violated_by_contribution(const Event& event) const {
  if (!ranks_with_cores_.contains(event.peer)) return "a contribution of a rank without a core";
  if (event.writes.size() != 1) return "a contribution of several parts";
  if (!is_within(event.value, 0, max_elements)) return "an element beyond the last";
  // Each call has at least one such event, and they come in call order: so a valid call number is
  // at most the number of such events before.
  if (event.number > calls_) return "a call that comes before the one before it";
  return nullptr;
}

const char* EventRules::violated_by_kind(const Event& event) const {
  switch (event.kind) {
    case EventKind::contribution:
    case EventKind::expectation:
      return violated_by_contribution(event);
    case EventKind::vector: {
      const bool is_constant = event.combination == Combination::constant;
      if (is_constant ? event.writes.empty() : event.reads.empty()) {
        return "an instruction without operands";
      }
      break;
    }
    case EventKind::scalar_read:
    case EventKind::scalar_write: {
      if (!event.cached) break;
      const MemoryRegions::Region* const region = regions_.find(event.address);
      if (region == nullptr || event.size_bytes > region->end - event.address) {
        return "an access through the scalar cache to memory that the run does not have";
      }
      // Does not wrap: cached_bytes_ is within the allowance, which only grows.
      if (event.size_bytes > max_cached_bytes + events_ * cached_bytes_per_event - cached_bytes_) {
        return "more bytes through scalar caches than can be followed";
      }
      break;
    }
    case EventKind::notify:
    case EventKind::notify_arrived:
    case EventKind::wait:
    case EventKind::poll_failed:
      if (event.size_bytes > sizeof(SignalCell)) return "a signal that is larger than a line";
      if (!is_within(event.value, lowest_word, highest_word)) return "a count that is no word";
      break;
    case EventKind::polled_word:
    case EventKind::word_stored:
      if (event.size_bytes > 8 || !std::has_single_bit(event.size_bytes)) {
        return "a word of a size that no look has";
      }
      break;
    case EventKind::dma_wait:
      if (!is_within(event.value, 0, highest_word)) return "a number of transfers that is no word";
      break;
    case EventKind::task_after:
      if (!ended_tasks_.contains(event.value)) return "a task that has not ended before";
      break;
    default:
      break;
  }
  if (!ranks_with_cores_.contains(event.rank) ||
      cores_[static_cast<std::size_t>(event.core)].rank != event.rank) {
    return "a core of another rank";
  }
  return nullptr;
}

void EventRules::remember(const Event& event) {
  ++events_;
  if (event.kind == EventKind::region) {
    regions_.add(event);
    if (event.region != RegionKind::on_chip) return;
    cores_.push_back(
        {.rank = event.rank, .begin = event.address, .end = event.address + event.size_bytes});
    ranks_with_cores_.insert(event.rank);
    return;
  }
  has_begun_ = true;
  Core& core = cores_[static_cast<std::size_t>(event.core)];
  if (event.kind == EventKind::pipe_barrier && event.pipe == Pipe::all) {
    core.drained = core.ordering;
  }
  if (orders(event)) ++core.ordering;
  if (event.kind == EventKind::task_end) ended_tasks_.insert(event.value);
  if (event.cached) cached_bytes_ += event.size_bytes;
  if (event.kind == EventKind::contribution || event.kind == EventKind::expectation) ++calls_;
}

}  // namespace peal
