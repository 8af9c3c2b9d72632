// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "peal/base/source_place.h"
#include "peal/chip/core/scalar_unit.h"
#include "peal/chip/fabric.h"

namespace peal {

// A look is a read of a word that other cores may change meanwhile. This class remembers a core's
// looks, in order to recognise polling loops, and ends a run in which a loop polls for ever.
class LookHistory {
 public:
  LookHistory(Fabric& fabric, const ScalarUnit& scalar) : fabric_(fabric), scalar_(scalar) {}

  // The number of failed polls, without any step other than scalar ones between them, after which
  // the run is reported as a deadlock. A limit, not a proof: see note_failed_poll().
  static constexpr std::uint64_t polls_in_vain = 200000;

  // Called after the begin of a dcci, dsb or barrier, which may stand between two looks of one
  // polling loop: a look that directly precedes it still directly precedes the next instruction.
  void note_between_looks() {
    ++looks_;
    if (last_look_.instruction + 1 == scalar_.instructions()) ++last_look_.instruction;
  }
  // Notes a look by the scalar unit's last instruction. True if it repeats the look before it: same
  // word, same line of source, and between them only instructions that have no effect on other
  // cores (note_between_looks).
  [[nodiscard]] bool repeats_look(const void* address, SourcePlace place);
  // Notes the bytes that the last look found. Counts a failed poll if a repeated look finds the
  // same value as the look before it.
  void note_found(const std::byte* address, std::size_t size, bool again);
  // The word of the last look.
  [[nodiscard]] const void* looks_at() const { return last_look_.address; }

  // Notes a look at a polled word. True if it belongs to a loop that looks at several words in
  // turn, or that does other work between its looks. It does if the last look at the same word came
  // from the same line, and
  // - only looks (at any words) were issued since then, or
  // - the last `max_alike` looks from that line all found the same value.
  [[nodiscard]] bool looks_in_turn(const void* word);
  // Notes the value that this look found. Returns how many looks in a row, from its line, have
  // found the same value.
  std::uint32_t note_value(const void* word, std::uint64_t bits);

  // Notes a read of a line that is cached already. Throws Deadlock if a loop only reads such lines.
  void note_cached_read(const std::byte* address);

  // Counts a failed poll; throws Deadlock beyond `polls_in_vain` of them.
  void note_failed_poll(SourcePlace place) const;

  // Forgets the looks of an abandoned program.
  void restart();

 private:
  [[noreturn]] void throw_in_vain(const char* what, SourcePlace place) const;

  Fabric& fabric_;
  const ScalarUnit& scalar_;
  struct LastLook {
    const void* address = nullptr;
    SourcePlace place;
    std::uint64_t instruction = UINT64_MAX - 1;
    std::uint64_t bits = 0;  // the value found
  };
  LastLook last_look_;
  struct LastRead {
    const std::byte* address = nullptr;
    std::uint64_t instruction = UINT64_MAX - 1;
    std::uint64_t count = 0;  // consecutive reads of that address before it
  };
  LastRead last_read_;
  std::uint64_t looks_ = 0;  // instructions that are looks, or may stand between two looks
  // The last look at each word: its place, the number of instructions of another kind before it,
  // the value found, and how many looks from that place in a row have found the same value.
  struct LookedAt {
    SourcePlace place;
    std::uint64_t others = 0;
    std::uint32_t alike = 0;
    std::uint64_t bits = 0;
  };
  std::map<const void*, LookedAt> looked_at_;
};

}  // namespace peal
