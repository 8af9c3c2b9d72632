// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>

#include "peal/base/source_place.h"
#include "peal/chip/core/event_emitter.h"
#include "peal/chip/core/instruction.h"
#include "peal/chip/core/look_history.h"
#include "peal/chip/core/scalar_unit.h"
#include "peal/chip/fabric.h"
#include "peal/chip/polled_words.h"
#include "peal/chip/tile_operation.h"
#include "peal/run/pipe.h"

namespace peal {

// One core's accesses to polled words (PolledWords): it answers the core's looks, keeps what the
// core has stored to such words until others can see it, and emits the events of both.
class PolledAccesses {
 public:
  PolledAccesses(Fabric& fabric, ScalarUnit& scalar, LookHistory& looks, EventEmitter& events)
      : fabric_(fabric), scalar_(scalar), looks_(looks), events_(events) {}

  // False if the run has no polled words. Then only find(), note_drained(), note_wait() and
  // restart() may be called.
  [[nodiscard]] bool are_tracked() const { return fabric_.polled() != nullptr; }
  // The polled word of exactly these bytes, or null.
  [[nodiscard]] PolledWords::Word* find(const void* address, std::size_t size_bytes) const {
    return fabric_.polled_word(address, size_bytes);
  }
  // Records the value that memory holds as the word's first one, and emits it, at the first
  // instruction that concerns the word.
  void meet(PolledWords::Word& word);

  // Looks. Each may suspend the core.
  // Answers a look at a word by the scalar unit's last instruction.
  [[nodiscard]] std::uint64_t look(PolledWords::Word& word, PolledWords::Look look);
  // An uncached load of a word; `again` if it repeats the look before it.
  [[nodiscard]] std::uint64_t load(PolledWords::Word& word, bool again);
  // A read through the cache. If its lines are not cached, the cached bytes of each polled word in
  // them are what this core finds there. The first read of a word after the fill counts as the
  // look, and its event carries that value; later reads of the same fill see nothing new and are
  // plain reads.
  void read(const std::byte* address, std::size_t size, bool is_filled, SourcePlace place);

  // Stores. If a store changes polled words, announce_store() emits that it is issued, and returns
  // true.
  bool announce_store(std::span<const GlobalRun> runs, SourcePlace place);
  // The same of the store that this core issues to a pipe next.
  void announce_queued_store(Pipe pipe, std::span<const GlobalRun> runs, SourcePlace place);
  // Called when a queued store is executed: emits the value that it gives to each polled word it
  // covers, and moves the store's record, with what its core knew at issue, into `flight`.
  void note_executed_store(Pipe pipe, const Instruction& instruction, Fabric::StoreInFlight& flight,
                           std::span<const GlobalRun> runs);
  // Called after an uncached scalar store: emits the words that it changed, and adds the changes.
  void note_device_store(std::byte* address, std::size_t size, SourcePlace place);
  // Called after a store through the cache: remembers the words as written. Others see it on
  // write-back.
  void note_cached_store(const std::byte* address, std::size_t size);
  // Called after the write-back of the line of an address, or of the whole cache if `line` is null:
  // the words written since their fill change in memory now.
  void note_written_back(const std::byte* line, SourcePlace place);

  // This core has waited for its pipes, or for a signal.
  void note_drained() {
    if (are_tracked()) fabric_.polled()->note_drained(scalar_.index());
  }
  void note_wait(const std::uint32_t* cell) {
    if (are_tracked()) fabric_.polled()->note_wait(scalar_.index(), cell);
  }

  // Forgets the accesses of an abandoned program.
  void restart();

 private:
  void fill(const std::byte* address, std::size_t size, bool again);
  void emit_stored(Pipe pipe, PolledWords::Word& word, std::uint64_t bits, bool is_unknown,
                   std::uint32_t number, SourcePlace place);

  Fabric& fabric_;
  ScalarUnit& scalar_;
  LookHistory& looks_;
  EventEmitter& events_;
  // Polled words in cached lines. found_: the value that the line was filled with, until the
  // program reads or overwrites the word. written_, by the word's address: the last scalar store to
  // the word that has not been written back.
  std::map<const PolledWords::Word*, std::uint64_t> found_;
  struct Written {
    PolledWords::Word* word = nullptr;
    std::uint32_t instruction = 0;
  };
  std::map<const std::byte*, Written> written_;
  struct Begun {  // a store that waits in a pipe's queue
    std::uint32_t instruction = 0;
    PolledWords::Store store;
  };
  std::map<Pipe, std::deque<Begun>> begun_;
};

}  // namespace peal
