// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "peal/chip/core/core.h"
#include "peal/chip/polled_words.h"

// A look is a read of a word that other cores may change meanwhile. This file answers looks,
// detects endless polling, and emits the events of polled words.

namespace peal {

// True if this look repeats the one before it: same word, same line of source, and between them
// only instructions that have no effect on other cores (begin_scalar_between_looks).
bool Core::repeats_look(const void* address, SourcePlace place) {
  const bool again = last_look_.address == address && last_look_.place.line == place.line &&
                     last_look_.place.file == place.file &&
                     last_look_.instruction + 1 == instructions_;
  last_look_ = {address, place, instructions_, last_look_.bits};
  ++looks_;
  return again;
}

// Counts a failed poll if a repeated look finds the same value as the look before it.
void Core::note_found(const std::byte* address, std::size_t size, bool again) {
  std::uint64_t bits = 0;
  if (size <= sizeof bits) std::memcpy(&bits, address, size);
  if (again && bits == last_look_.bits) note_failed_poll(place_);
  last_look_.bits = bits;
}

// Nobody changes a cached line but its own core. So a loop that reads one cached address and issues
// nothing else finds the same value for ever.
void Core::note_cached_read(const std::byte* address) {
  const bool again = last_read_.address == address && last_read_.instruction + 1 == instructions_;
  last_read_ = {address, instructions_, again ? last_read_.count + 1 : 0};
  if (last_read_.count <= polls_in_vain) return;
  throw_in_vain("reads for ever what its cache holds: a dcci is missing in the loop", place_);
}

// True if this look belongs to a loop that looks at several words in turn, or that does other work
// between its looks. It does if the last look at the same word came from the same line, and
// - only looks (at any words) were issued since then, or
// - the last `max_alike` looks from that line all found the same value.
bool Core::looks_in_turn(const PolledWords::Word& word) {
  constexpr std::uint32_t max_alike = 16;
  const std::uint64_t others = instructions_ - looks_;
  LookedAt& last = looked_at_[word.data];
  const bool is_alike = last.place.line == place_.line && last.place.file == place_.file;
  const bool in_turn = is_alike && (last.others == others || last.alike >= max_alike);
  last = {place_, others, is_alike ? last.alike + 1 : 0, last.bits};
  return in_turn;
}

// Records the value that memory holds as the word's first one, and emits it, at the first
// instruction that concerns the word.
void Core::meet(PolledWords::Word& word) {
  if (!word.changes.empty()) return;
  word.changes.push_back({.bits = PolledWords::read(word)});
  emit({.kind = EventKind::polled_word,
        .pipe = Pipe::scalar,
        .peer = fabric_.memory().owner(word.data, rank_),
        .issued = ordering_events_,
        .address = reinterpret_cast<std::uint64_t>(word.data),
        .size_bytes = word.size_bytes,
        .value = static_cast<std::int64_t>(word.changes.front().bits),
        .place = place_});
}

// Suspends this core until the look can be answered, and returns the answer.
//
// A core whose look finds nothing new is parked until the word changes. If nobody can take a step,
// Fabric::step releases parked cores (PolledWords::release), which then find the old value again: a
// loop may end by its own count, or read another word. Such looks count as failed polls. After too
// many of them, or after that many looks with the same value from one line, give_up() ends all
// releases: the cores stay parked, the agenda runs empty, and the run ends as a deadlock whose
// report names every core's look.
std::uint64_t Core::find_value(PolledWords::Word& word, PolledWords::Look look) {
  PolledWords& polled = *fabric_.polled();
  meet(word);
  look.place = place_;
  look.in_turn = looks_in_turn(word);
  while (!polled.may_answer(index_, word, look)) {
    polled.park(index_, word, look.again);
    suspend(Blocked::look);
  }
  const std::uint64_t bits = polled.answer(index_, word, look);
  LookedAt& own = looked_at_[word.data];
  if (bits != own.bits) own.alike = 0;
  own.bits = bits;
  if (polled.looks_in_vain(index_)) {
    fabric_.count_failed_poll();
    if (fabric_.failed_polls() > polls_in_vain || own.alike > polls_in_vain) {
      polled.give_up();
      for (;;) suspend(Blocked::look);
    }
  }
  return bits;
}

void Core::look_changed(Picoseconds time) {
  if (blocked_ == Blocked::look) wake(time + platform_.signals.poll_ps);
}

// Determines the value of each polled word in the lines that the access fills: for the word that is
// accessed, the answer to the look, which may suspend this core; for the others, the value that the
// core would find, without counting as a look.
void Core::fill_polled(const std::byte* address, std::size_t size, bool again) {
  PolledWords& polled = *fabric_.polled();
  const auto line = [](std::uintptr_t at) { return at & ~(ScalarCache::line_bytes - 1); };
  const auto first = line(reinterpret_cast<std::uintptr_t>(address));
  const auto last = line(reinterpret_cast<std::uintptr_t>(address + size - 1));
  PolledWords::Word* const looked_at = polled.find(address, size);
  if (looked_at != nullptr) {
    if (!again) polled.begin_look(index_);
    found_.insert_or_assign(looked_at, find_value(*looked_at, {.again = again, .place = {}}));
  }
  polled.words_in(reinterpret_cast<const std::byte*>(first),
                  reinterpret_cast<const std::byte*>(last + ScalarCache::line_bytes),
                  [&](PolledWords::Word& word) {
                    if (&word == looked_at || word.is_opaque) return;
                    meet(word);
                    found_.insert_or_assign(&word, polled.expected(index_, word));
                  });
}

// If the store changes polled words, emits that it is issued, and returns true.
bool Core::announce_store(std::span<const GlobalRun> runs, SourcePlace place) {
  bool changes = false;
  for (const GlobalRun& run : runs) {
    fabric_.polled()->words_in(run.data, run.data + run.size_bytes, [&](PolledWords::Word& word) {
      meet(word);
      changes = true;
    });
  }
  if (!changes) return false;
  emit({.kind = EventKind::store_issued,
        .pipe = Pipe::scalar,
        .peer = fabric_.memory().owner(runs.front().data, rank_),
        .issued = ordering_events_,
        .address = reinterpret_cast<std::uint64_t>(runs.front().data),
        .place = place});
  return true;
}

void Core::announce_queued_store(Pipe pipe, std::span<const GlobalRun> runs, SourcePlace place) {
  if (announce_store(runs, place)) {
    queue(pipe).begun.push_back({static_cast<std::uint32_t>(instructions_ + 1),
                                 fabric_.polled()->begin_store(index_, pipe)});
  }
}

// When a queued store is executed: emits the value that it gives to each polled word it covers, and
// moves the store's record, with what its core knew at issue, from the queue into `flight`.
void Core::tell_stored(Pipe pipe, const Instruction& instruction, Fabric::StoreInFlight& flight,
                       std::span<const GlobalRun> runs) {
  std::deque<PipeQueue::Begun>& begun = queue(pipe).begun;
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
      tell_word(pipe, word, bits, !is_whole || flight.atomic, instruction.number,
                instruction.place());
    });
    data += run.size_bytes;
  }
}

void Core::tell_word(Pipe pipe, PolledWords::Word& word, std::uint64_t bits, bool is_unknown,
                     std::uint32_t number, SourcePlace place) {
  word.is_opaque = word.is_opaque || is_unknown;
  emit({.kind = EventKind::word_stored,
        .pipe = pipe,
        .atomic = is_unknown,
        .peer = fabric_.memory().owner(word.data, rank_),
        .issued = ordering_events_,
        .number = number,
        .address = reinterpret_cast<std::uint64_t>(word.data),
        .size_bytes = word.size_bytes,
        .value = static_cast<std::int64_t>(bits),
        .place = place});
}

// After an uncached scalar store: emits the words that it changed, and adds the changes.
void Core::tell_device_store(std::byte* address, std::size_t size, SourcePlace place) {
  PolledWords& polled = *fabric_.polled();
  const PolledWords::Store store = polled.begin_store(index_, Pipe::scalar);
  polled.words_in(address, address + size, [&](PolledWords::Word& word) {
    const bool is_whole = word.data >= address && word.data + word.size_bytes <= address + size;
    tell_word(Pipe::scalar, word, PolledWords::read(word), !is_whole,
              static_cast<std::uint32_t>(instructions_), place);
    polled.add_change(word, {.bits = PolledWords::read(word), .store = store});
  });
  fabric_.wake_lookers();
}

// After a store through the cache: remembers the words as written. Others see it on write-back.
void Core::note_cached_store(const std::byte* address, std::size_t size) {
  fabric_.polled()->words_in(address, address + size, [&](PolledWords::Word& word) {
    written_.insert_or_assign(word.data, Written{&word, static_cast<std::uint32_t>(instructions_)});
    found_.erase(&word);
  });
}

// After the write-back of a line, or of the whole cache if `line` is null: the words written since
// their fill change in memory now. Each is a store that begins now, with the core's present
// knowledge, though its event names the instruction that wrote the word.
void Core::tell_written_back(const std::byte* line, SourcePlace place) {
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
    const PolledWords::Store store = polled.begin_store(index_, Pipe::scalar);
    emit({.kind = EventKind::word_stored,
          .pipe = Pipe::scalar,
          .cached = true,
          .peer = fabric_.memory().owner(word.data, rank_),
          .issued = ordering_events_,
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

}  // namespace peal
