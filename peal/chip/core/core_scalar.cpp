// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "peal/chip/core/core.h"

// Memory accesses of the scalar unit, through its cache and past it.

namespace peal {

// A hit needs no yield, because the line is private. A miss fills the line from memory as it is at
// clock_, so every step before that time has to take effect first; if the clock is not ahead of the
// last step, memory is up to date already. While this core is suspended, its cache is hidden, and
// an access announced earlier may not have been made yet: show_last() shows its line again.
void Core::scalar_access(const std::byte* address, std::size_t size, bool writes,
                         SourcePlace place) {
  begin_scalar(place);
  const bool is_filled = !cache_.holds(address, size);
  if (!is_filled && !writes) note_cached_read(address);
  if (clock_ > fabric_.now() && is_filled) {
    yield();
    cache_.show_last();
  }
  if (fabric_.polled() != nullptr && size != 0) {
    if (!writes) return read_polled(address, size, is_filled, place);
    const GlobalRun run{const_cast<std::byte*>(address), size};
    if (announce_store({&run, 1}, place)) note_cached_store(address, size);
  }
  const bool again = is_filled && !writes && repeats_look(address, place);
  cache_.show(address, size, writes);
  report_access(writes ? EventKind::scalar_write : EventKind::scalar_read, address, size, true,
                place);
  if (is_filled && !writes) note_found(address, size, again);
}

// A cached read if the run has polled words. When a line is filled, each polled word in it gets the
// value that this core finds then. The first read of a word after the fill counts as the look, and
// its event carries that value; later reads of the same fill see nothing new and are plain reads.
void Core::read_polled(const std::byte* address, std::size_t size, bool is_filled,
                       SourcePlace place) {
  PolledWords::Word* const word = fabric_.polled()->find(address, size);
  const bool again = word != nullptr && repeats_look(address, place);
  if (is_filled) {
    fill_polled(address, size, again);
    cache_.show_last();
  }
  cache_.show(address, size, false);
  if (is_filled) {
    for (const auto& [other, bits] : found_) cache_.fill(other->data, &bits, other->size_bytes);
  }
  const auto found = word == nullptr ? found_.end() : found_.find(word);
  if (found == found_.end()) {
    return report_access(EventKind::scalar_read, address, size, true, place);
  }
  const std::uint64_t bits = found->second;
  found_.erase(found);
  report_access(EventKind::scalar_read, address, size, true, place, static_cast<std::int64_t>(bits),
                again ? Look::again : Look::first);
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
  const bool again = repeats_look(address, place);
  if (PolledWords::Word* const word = fabric_.polled_word(address, size)) {
    if (!again) fabric_.polled()->begin_look(index_);
    const std::uint64_t bits = find_value(*word, {.again = again, .place = {}});
    report_access(EventKind::scalar_read, address, size, false, place,
                  static_cast<std::int64_t>(bits), again ? Look::again : Look::first);
    std::memcpy(value, &bits, size);
    return;
  }
  report_access(EventKind::scalar_read, address, size, false, place);
  std::memcpy(value, address, size);
  note_found(address, size, again);
}

void Core::device_store(std::byte* address, const void* value, std::size_t size,
                        SourcePlace place) {
  begin_scalar(place);
  await_arrivals();
  yield();
  std::int32_t word = 0;
  std::memcpy(&word, value, std::min(size, sizeof word));
  const GlobalRun run{address, size};
  const bool is_polled = fabric_.polled() != nullptr && announce_store({&run, 1}, place);
  report_access(EventKind::scalar_write, address, size, false, place, word);
  std::memcpy(address, value, size);
  if (is_polled) tell_device_store(address, size, place);
}

void Core::dcci(const std::byte* address, SourcePlace place) {
  begin_scalar_between_looks(place);
  yield();
  cache_.clean(address);
  if (fabric_.polled() != nullptr) tell_written_back(address, place);
  emit({.kind = EventKind::dcci,
        .peer = rank_,
        .issued = ordering_events_,
        .address = reinterpret_cast<std::uint64_t>(address) & ~(ScalarCache::line_bytes - 1),
        .size_bytes = ScalarCache::line_bytes,
        .place = place});
}

void Core::dcci_all(SourcePlace place) {
  begin_scalar_between_looks(place);
  yield();
  cache_.clean_all();
  if (fabric_.polled() != nullptr) tell_written_back(nullptr, place);
  emit_sync(EventKind::dcci, Pipe::scalar, place);
}

void Core::retire_cache() {
  cache_.hide();
  cache_.retire();
}

void Core::refresh(const std::uint32_t* cell) {
  if (cache_.is_empty()) return;
  const auto* const data = reinterpret_cast<const std::byte*>(cell);
  if (cache_.is_dirty(data)) yield();  // the write-back takes effect at clock_
  cache_.hide();
  cache_.clean(data);
  if (fabric_.polled() != nullptr) tell_written_back(data, place_);
}

}  // namespace peal
