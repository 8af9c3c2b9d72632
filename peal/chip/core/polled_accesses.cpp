// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/polled_accesses.h"

#include <cstring>
#include <utility>

namespace peal {

void PolledAccesses::meet(PolledWords::Word& word) {
  if (!word.changes.empty()) return;
  word.changes.push_back({.bits = PolledWords::read(word)});
  events_.emit({.kind = EventKind::polled_word,
                .pipe = Pipe::scalar,
                .peer = fabric_.memory().owner(word.data, scalar_.rank()),
                .address = reinterpret_cast<std::uint64_t>(word.data),
                .size_bytes = word.size_bytes,
                .value = static_cast<std::int64_t>(word.changes.front().bits),
                .place = scalar_.place()});
}

// Suspends this core until the look can be answered, and returns the answer.
//
// A core whose look finds nothing new is parked until the word changes. If nobody can take a step,
// Fabric::step releases parked cores (PolledWords::release), which then find the old value again: a
// loop may end by its own count, or read another word. Such looks count as failed polls. After too
// many of them, or after that many looks with the same value from one line, give_up() ends all
// releases: the cores stay parked, the agenda runs empty, and the run ends as a deadlock whose
// report names every core's look.
std::uint64_t PolledAccesses::look(PolledWords::Word& word, PolledWords::Look look) {
  PolledWords& polled = *fabric_.polled();
  const int core = scalar_.index();
  meet(word);
  look.place = scalar_.place();
  look.in_turn = looks_.looks_in_turn(word.data);
  while (!polled.may_answer(core, word, look)) {
    polled.park(core, word, look.again);
    scalar_.suspend(ScalarUnit::Blocked::look);
  }
  const std::uint64_t bits = polled.answer(core, word, look);
  const std::uint32_t alike = looks_.note_value(word.data, bits);
  if (polled.looks_in_vain(core)) {
    fabric_.count_failed_poll();
    if (fabric_.failed_polls() > LookHistory::polls_in_vain || alike > LookHistory::polls_in_vain) {
      polled.give_up();
      for (;;) scalar_.suspend(ScalarUnit::Blocked::look);
    }
  }
  return bits;
}

std::uint64_t PolledAccesses::load(PolledWords::Word& word, bool again) {
  if (!again) fabric_.polled()->begin_look(scalar_.index());
  return look(word, {.again = again, .place = {}});
}

// Determines the value of each polled word in the lines that the access fills: for the word that is
// accessed, the answer to the look, which may suspend this core; for the others, the value that the
// core would find, without counting as a look.
void PolledAccesses::fill(const std::byte* address, std::size_t size, bool again) {
  PolledWords& polled = *fabric_.polled();
  const auto line = [](std::uintptr_t at) { return at & ~(ScalarCache::line_bytes - 1); };
  const auto first = line(reinterpret_cast<std::uintptr_t>(address));
  const auto last = line(reinterpret_cast<std::uintptr_t>(address + size - 1));
  PolledWords::Word* const looked_at = polled.find(address, size);
  if (looked_at != nullptr) found_.insert_or_assign(looked_at, load(*looked_at, again));
  polled.words_in(reinterpret_cast<const std::byte*>(first),
                  reinterpret_cast<const std::byte*>(last + ScalarCache::line_bytes),
                  [&](PolledWords::Word& word) {
                    if (&word == looked_at || word.is_opaque) return;
                    meet(word);
                    found_.insert_or_assign(&word, polled.expected(scalar_.index(), word));
                  });
}

void PolledAccesses::read(const std::byte* address, std::size_t size, bool is_filled,
                          SourcePlace place) {
  ScalarCache& cache = scalar_.cache();
  PolledWords::Word* const word = fabric_.polled()->find(address, size);
  const bool again = word != nullptr && looks_.repeats_look(address, place);
  if (is_filled) {
    fill(address, size, again);
    cache.show_last();
  }
  cache.show(address, size, false);
  if (is_filled) {
    for (const auto& [other, bits] : found_) cache.fill(other->data, &bits, other->size_bytes);
  }
  const auto found = word == nullptr ? found_.end() : found_.find(word);
  if (found == found_.end()) {
    return events_.emit_access(EventKind::scalar_read, address, size, true, place);
  }
  const std::uint64_t bits = found->second;
  found_.erase(found);
  events_.emit_access(EventKind::scalar_read, address, size, true, place,
                      static_cast<std::int64_t>(bits), again ? Look::again : Look::first);
}

bool PolledAccesses::announce_store(std::span<const GlobalRun> runs, SourcePlace place) {
  bool changes = false;
  for (const GlobalRun& run : runs) {
    fabric_.polled()->words_in(run.data, run.data + run.size_bytes, [&](PolledWords::Word& word) {
      meet(word);
      changes = true;
    });
  }
  if (!changes) return false;
  events_.emit({.kind = EventKind::store_issued,
                .pipe = Pipe::scalar,
                .peer = fabric_.memory().owner(runs.front().data, scalar_.rank()),
                .address = reinterpret_cast<std::uint64_t>(runs.front().data),
                .place = place});
  return true;
}

void PolledAccesses::announce_queued_store(Pipe pipe, std::span<const GlobalRun> runs,
                                           SourcePlace place) {
  if (!announce_store(runs, place)) return;
  begun_[pipe].push_back({static_cast<std::uint32_t>(scalar_.instructions() + 1),
                          fabric_.polled()->begin_store(scalar_.index(), pipe)});
}

void PolledAccesses::note_executed_store(Pipe pipe, const Instruction& instruction,
                                         Fabric::StoreInFlight& flight,
                                         std::span<const GlobalRun> runs) {
  std::deque<Begun>& begun = begun_[pipe];
  if (begun.empty() || begun.front().instruction != instruction.number) return;
  flight.polled = std::move(begun.front().store);
  begun.pop_front();
  const std::byte* data = flight.data.data();
  for (const GlobalRun& run : runs) {
    fabric_.polled()->words_in(run.data, run.data + run.size_bytes, [&](PolledWords::Word& word) {
      const bool is_whole =
          word.data >= run.data && word.data + word.size_bytes <= run.data + run.size_bytes;
      std::uint64_t bits = 0;
      if (is_whole) std::memcpy(&bits, data + (word.data - run.data), word.size_bytes);
      emit_stored(pipe, word, bits, !is_whole || flight.atomic, instruction.number,
                  instruction.place());
    });
    data += run.size_bytes;
  }
}

void PolledAccesses::emit_stored(Pipe pipe, PolledWords::Word& word, std::uint64_t bits,
                                 bool is_unknown, std::uint32_t number, SourcePlace place) {
  word.is_opaque = word.is_opaque || is_unknown;
  events_.emit({.kind = EventKind::word_stored,
                .pipe = pipe,
                .atomic = is_unknown,
                .peer = fabric_.memory().owner(word.data, scalar_.rank()),
                .number = number,
                .address = reinterpret_cast<std::uint64_t>(word.data),
                .size_bytes = word.size_bytes,
                .value = static_cast<std::int64_t>(bits),
                .place = place});
}

void PolledAccesses::note_device_store(std::byte* address, std::size_t size, SourcePlace place) {
  PolledWords& polled = *fabric_.polled();
  const PolledWords::Store store = polled.begin_store(scalar_.index(), Pipe::scalar);
  polled.words_in(address, address + size, [&](PolledWords::Word& word) {
    const bool is_whole = word.data >= address && word.data + word.size_bytes <= address + size;
    emit_stored(Pipe::scalar, word, PolledWords::read(word), !is_whole,
                static_cast<std::uint32_t>(scalar_.instructions()), place);
    polled.add_change(word, {.bits = PolledWords::read(word), .store = store});
  });
  fabric_.wake_lookers();
}

void PolledAccesses::note_cached_store(const std::byte* address, std::size_t size) {
  fabric_.polled()->words_in(address, address + size, [&](PolledWords::Word& word) {
    written_.insert_or_assign(word.data,
                              Written{&word, static_cast<std::uint32_t>(scalar_.instructions())});
    found_.erase(&word);
  });
}

// Each word written is a store that begins now, with the core's present knowledge, though its event
// names the instruction that wrote the word.
void PolledAccesses::note_written_back(const std::byte* line, SourcePlace place) {
  PolledWords& polled = *fabric_.polled();
  const auto begin =
      line == nullptr ? nullptr
                      : reinterpret_cast<const std::byte*>(reinterpret_cast<std::uintptr_t>(line) &
                                                           ~(ScalarCache::line_bytes - 1));
  for (auto written = written_.begin(); written != written_.end();) {
    PolledWords::Word& word = *written->second.word;
    const bool is_meant =
        line == nullptr || (word.data >= begin && word.data < begin + ScalarCache::line_bytes);
    if (!is_meant) {
      ++written;
      continue;
    }
    const PolledWords::Store store = polled.begin_store(scalar_.index(), Pipe::scalar);
    events_.emit({.kind = EventKind::word_stored,
                  .pipe = Pipe::scalar,
                  .cached = true,
                  .peer = fabric_.memory().owner(word.data, scalar_.rank()),
                  .number = written->second.instruction,
                  .address = reinterpret_cast<std::uint64_t>(word.data),
                  .size_bytes = word.size_bytes,
                  .value = static_cast<std::int64_t>(PolledWords::read(word)),
                  .place = place});
    polled.add_change(word, {.bits = PolledWords::read(word), .store = store});
    written = written_.erase(written);
  }
  fabric_.wake_lookers();
}

void PolledAccesses::restart() {
  found_.clear();
  written_.clear();
  begun_.clear();
}

}  // namespace peal
