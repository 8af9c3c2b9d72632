// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "peal/chip/core/core.h"

// What the scalar unit reads and writes itself: signals, and memory through its cache and past it.

namespace peal {

void Core::notify(std::uint32_t* cell, std::uint32_t value, NotifyOp op, SourcePlace place) {
  scalar_.begin(place);
  scalar_.note_notify();
  refresh(cell);
  if (PolledWords::Word* const word = polled_.find(cell, sizeof *cell)) polled_.meet(*word);
  const int peer = fabric_.memory().owner(reinterpret_cast<const std::byte*>(cell), rank());
  const bool is_own = peer == rank();
  const Picoseconds latency =
      is_own ? platform_.signals.own_latency_ps : platform_.signals.latency_ps;
  fabric_.send_signal(std::max(clock(), fabric_.now()) + latency,
                      {.core = index(),
                       .cell = cell,
                       .value = value,
                       .op = op,
                       .awaited = is_own || platform_.switches.signals_in_order,
                       .place = place});
  events_.emit({.kind = EventKind::notify,
                .pipe = Pipe::scalar,
                .op = op,
                .peer = peer,
                .end = clock() + platform_.signals.notify_issue_ps,
                .address = reinterpret_cast<std::uint64_t>(cell),
                .size_bytes = sizeof(std::uint32_t),
                .value = static_cast<std::int32_t>(value),
                .place = place});
  scalar_.spend(platform_.signals.notify_issue_ps);
  drain();
  emit_drained(EventKind::pipe_barrier, Pipe::all, place);
  if (is_own) scalar_.await_arrivals();
}

void Core::wait(const std::uint32_t* cell, WaitCmp cmp, std::uint32_t value, std::uint32_t consumes,
                SourcePlace place) {
  scalar_.begin(place);
  scalar_.spend(platform_.signals.poll_ps);
  refresh(cell);
  // `reached` is for cells that only grow, so it is monotone (case 2 of ScalarUnit): if it holds
  // now, it holds at clock(), too. Any other comparison has to be evaluated at clock() (case 3).
  if (cmp != WaitCmp::reached) scalar_.yield();
  const Wait wait{cell, cmp, value, consumes, place};
  scalar_.wait_for_signal(wait);
  polled_.note_wait(cell);
  events_.emit_signal(EventKind::wait, wait, false);
}

bool Core::test(const std::uint32_t* cell, WaitCmp cmp, std::uint32_t value, std::uint32_t consumes,
                SourcePlace place) {
  scalar_.begin(place);
  scalar_.spend(platform_.signals.poll_ps);
  refresh(cell);
  scalar_.yield();
  const Wait test{cell, cmp, value, consumes, place};
  if (PolledWords::Word* const word = polled_.find(cell, sizeof *cell)) {
    const bool again = looks_.repeats_look(cell, place);
    const std::uint64_t found = polled_.look(*word, {.again = again, .is_test = true, .place = {}});
    const bool succeeds = holds(cmp, static_cast<std::uint32_t>(found), value);
    events_.emit_signal(succeeds ? EventKind::wait : EventKind::poll_failed, test, true,
                        again ? Look::again : Look::first);
    return succeeds;
  }
  const bool succeeds = holds(cmp, *cell, value);
  events_.emit_signal(succeeds ? EventKind::wait : EventKind::poll_failed, test, true);
  if (!succeeds) looks_.note_failed_poll(place);
  return succeeds;
}

// A hit needs no yield, because the line is private. A miss fills the line from memory as it is at
// clock(), so every step before that time has to take effect first; if the clock is not ahead of
// the last step, memory is up to date already. While this core is suspended, its cache is hidden,
// and an access announced earlier may not have been made yet: show_last() shows its line again.
void Core::scalar_access(const std::byte* address, std::size_t size, bool writes,
                         SourcePlace place) {
  scalar_.begin(place);
  ScalarCache& cache = scalar_.cache();
  const bool is_filled = !cache.holds(address, size);
  if (!is_filled && !writes) looks_.note_cached_read(address);
  if (clock() > fabric_.now() && is_filled) {
    scalar_.yield();
    cache.show_last();
  }
  if (polled_.are_tracked() && size != 0) {
    if (!writes) return polled_.read(address, size, is_filled, place);
    const GlobalRun run{const_cast<std::byte*>(address), size};
    if (polled_.announce_store({&run, 1}, place)) polled_.note_cached_store(address, size);
  }
  const bool again = is_filled && !writes && looks_.repeats_look(address, place);
  cache.show(address, size, writes);
  events_.emit_access(writes ? EventKind::scalar_write : EventKind::scalar_read, address, size,
                      true, place);
  if (is_filled && !writes) looks_.note_found(address, size, again);
}

void Core::on_chip_access(const std::byte* address, std::size_t size, bool writes,
                          SourcePlace place) {
  scalar_.begin(place);
  if (pipes_.are_busy()) {
    scalar_.yield();
    scalar_.cache().show_last();
  }
  events_.emit_access(writes ? EventKind::scalar_write : EventKind::scalar_read, address, size,
                      false, place);
}

void Core::device_load(void* value, const std::byte* address, std::size_t size, SourcePlace place) {
  scalar_.begin(place);
  scalar_.yield();
  const bool again = looks_.repeats_look(address, place);
  if (PolledWords::Word* const word = polled_.find(address, size)) {
    const std::uint64_t bits = polled_.load(*word, again);
    events_.emit_access(EventKind::scalar_read, address, size, false, place,
                        static_cast<std::int64_t>(bits), again ? Look::again : Look::first);
    std::memcpy(value, &bits, size);
    return;
  }
  events_.emit_access(EventKind::scalar_read, address, size, false, place);
  std::memcpy(value, address, size);
  looks_.note_found(address, size, again);
}

void Core::device_store(std::byte* address, const void* value, std::size_t size,
                        SourcePlace place) {
  scalar_.begin(place);
  scalar_.await_arrivals();
  scalar_.yield();
  std::int32_t word = 0;
  std::memcpy(&word, value, std::min(size, sizeof word));
  const GlobalRun run{address, size};
  const bool is_polled = polled_.are_tracked() && polled_.announce_store({&run, 1}, place);
  events_.emit_access(EventKind::scalar_write, address, size, false, place, word);
  std::memcpy(address, value, size);
  if (is_polled) polled_.note_device_store(address, size, place);
}

void Core::dcci(const std::byte* address, SourcePlace place) {
  begin_between_looks(place);
  scalar_.yield();
  scalar_.cache().clean(address);
  if (polled_.are_tracked()) polled_.note_written_back(address, place);
  events_.emit(
      {.kind = EventKind::dcci,
       .peer = rank(),
       .address = reinterpret_cast<std::uint64_t>(address) & ~(ScalarCache::line_bytes - 1),
       .size_bytes = ScalarCache::line_bytes,
       .place = place});
}

void Core::dcci_all(SourcePlace place) {
  begin_between_looks(place);
  scalar_.yield();
  scalar_.cache().clean_all();
  if (polled_.are_tracked()) polled_.note_written_back(nullptr, place);
  emit_drained(EventKind::dcci, Pipe::scalar, place);
}

void Core::retire_cache() {
  scalar_.cache().hide();
  scalar_.cache().retire();
}

void Core::refresh(const std::uint32_t* cell) {
  ScalarCache& cache = scalar_.cache();
  if (cache.is_empty()) return;
  const auto* const data = reinterpret_cast<const std::byte*>(cell);
  if (cache.is_dirty(data)) scalar_.yield();  // the write-back takes effect at clock()
  cache.hide();
  cache.clean(data);
  if (polled_.are_tracked()) polled_.note_written_back(data, place());
}

}  // namespace peal
