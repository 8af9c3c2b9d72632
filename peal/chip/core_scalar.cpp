// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "peal/chip/core.h"

// What a core's scalar unit does with memory, through its cache and past it.

namespace peal {

// What is cached needs nobody's leave. A line that has to be filled holds what memory has when
// everything before its time has taken effect.
void Core::scalar_access(const std::byte* address, std::size_t size, bool writes,
                         SourcePlace place) {
  begin_scalar(place);
  if (clock_ > fabric_.now() && !cache_.holds(address, size)) {
    yield();
    cache_.show_last();
  }
  cache_.show(address, size, writes);
  report_access(writes ? EventKind::scalar_write : EventKind::scalar_read, address, size, true,
                place);
}

void Core::on_chip_access(const std::byte* address, std::size_t size, bool writes,
                          SourcePlace place) {
  begin_scalar(place);
  const bool is_busy = std::any_of(pipes_.begin(), pipes_.end(),
                                   [](const PipeQueue& pipe) { return pipe.size != 0; });
  if (is_busy) {
    yield();
    cache_.show_last();
  }
  report_access(writes ? EventKind::scalar_write : EventKind::scalar_read, address, size, false,
                place);
}

void Core::device_load(void* value, const std::byte* address, std::size_t size, SourcePlace place) {
  begin_scalar(place);
  yield();
  report_access(EventKind::scalar_read, address, size, false, place);
  std::memcpy(value, address, size);
}

void Core::device_store(std::byte* address, const void* value, std::size_t size,
                        SourcePlace place) {
  begin_scalar(place);
  await_arrivals();
  yield();
  std::int32_t word = 0;
  std::memcpy(&word, value, std::min(size, sizeof word));
  report_access(EventKind::scalar_write, address, size, false, place, word);
  std::memcpy(address, value, size);
}

void Core::dcci(const std::byte* address, SourcePlace place) {
  begin_scalar(place);
  yield();
  cache_.clean(address);
  emit({.kind = EventKind::dcci,
        .peer = rank_,
        .issued = ordering_events_,
        .address = reinterpret_cast<std::uint64_t>(address) & ~(ScalarCache::line_bytes - 1),
        .size_bytes = ScalarCache::line_bytes,
        .place = place});
}

void Core::dcci_all(SourcePlace place) {
  begin_scalar(place);
  yield();
  cache_.clean_all();
  emit_sync(EventKind::dcci, Pipe::scalar, place);
}

void Core::retire_cache() {
  cache_.hide();
  cache_.retire();
}

void Core::refresh(const std::uint32_t* cell) {
  if (cache_.is_empty()) return;
  const auto* const data = reinterpret_cast<const std::byte*>(cell);
  if (cache_.is_dirty(data)) yield();  // the line is written back at its time
  cache_.hide();
  cache_.clean(data);
}

}  // namespace peal
