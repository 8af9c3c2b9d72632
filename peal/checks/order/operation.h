// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "peal/checks/findings.h"
#include "peal/checks/memory/access.h"
#include "peal/checks/order/lane_clock.h"
#include "peal/machine/signal.h"
#include "peal/run/run.h"

namespace peal {

// One change of a cell by a core: a notify that adds to a signal or sets it, or a store to its
// word.
struct Operation {
  enum class Kind : std::uint8_t { add, set, store };
  static constexpr std::uint32_t never = UINT32_MAX;

  std::uint32_t core = 0;
  std::uint32_t cell = 0;
  std::uint32_t number = 0;    // in the program order of its core
  std::uint32_t acquired = 0;  // waits that its core had passed before it
  // The last release of its core, from 1, that it is or comes after: of a notify or scalar store
  // its own, of another store the last before it starts; 0: none.
  std::uint32_t last_release = 0;
  // When it is known to have taken effect: by any core that knows this release of its core, and by
  // its own core from this wait on. Binary searches rely on both being non-decreasing along a
  // chain. They can decrease only if stores of one core to the same bytes overlap in time, which is
  // reported as a race.
  std::uint32_t known_from = never;
  std::uint32_t own_known_from = never;
  std::uint64_t moment = 0;  // in the order of the run
  std::int64_t value = 0;
  Kind kind{};
  SourceId place = 0;
  bool is_first_of_core = false;  // the first operation of its core on the cell
  std::uint32_t store = never;    // its index among the stores that are kept
  // Only where signals may overtake each other: the wait, by its core and acquire number, that
  // could not have passed unless this operation had arrived.
  std::uint32_t shown_to = 0, shown_by = never;

  [[nodiscard]] bool replaces() const { return kind != Kind::add; }
  [[nodiscard]] bool may_raise() const { return replaces() || value > 0; }
  [[nodiscard]] bool may_lower() const { return replaces() || value < 0; }
};

// A store that replaces a cell's value. `clock` is the core's clock when the store starts.
struct CellStore {
  Access access;
  LaneClock clock;
  std::uint32_t cell = 0;
  std::uint64_t moment = 0;
  std::int64_t value = 0;
};

// A wait that was satisfied in the run, or a look at a polled word (is_look).
struct SatisfiedWait {
  std::uint32_t core = 0;
  std::uint32_t acquire = 0;          // its number among the waits of its core, from 1
  std::uint32_t releases_before = 0;  // of its core; those with larger numbers follow it
  std::uint32_t cell = 0;
  std::uint64_t moment = 0;
  std::uint32_t threshold = 0;
  WaitCmp cmp{};
  bool polled = false;
  bool holds_by_itself = false;  // within its core's OwnBounds, as long as others only add
  // Only of a look: whether the loop continued after it (loop_continues), the value that it found,
  // and the other values that earlier iterations of the same loop found (failed). `number` counts
  // the loops of its core, from 1.
  bool is_look = false;
  bool loop_continues = false;
  bool is_single = false;  // no iteration before it; also of a poll that succeeded at once
  std::uint32_t number = 0;
  std::uint64_t found = 0;
  std::int64_t least = INT64_MIN;  // lower bound of the cell, if operations only add to it
  std::uint32_t repeats = 0;       // directly preceding iterations that found the same value
  std::vector<std::uint64_t> failed;
  SourceId place = 0;
  LaneClock clock;  // of the scalar unit when it passed

  [[nodiscard]] bool has_failed(std::uint64_t bits) const {
    return std::find(failed.begin(), failed.end(), bits) != failed.end();
  }
};

// The operations of one core on one cell that are kept, in program order. Prefix sums and
// counts have one entry more than `operations`: entry i covers the first i operations.
struct Chain {
  std::uint32_t core = 0;
  std::vector<std::uint32_t> operations;
  std::vector<std::int64_t> sums{0};        // of the values added
  std::vector<std::uint32_t> replacements;  // indices of the sets and stores
  // How many operations may raise the cell, and how many may lower it.
  std::vector<std::uint32_t> raises{0}, falls{0};

  [[nodiscard]] bool has_adds() const { return replacements.size() < operations.size(); }
};

// A signal or polled word: the operations on it that are kept, as chains, and what remains of those
// that are folded into the base value (lemma 6) and forgotten: their combined value and who they
// were by.
struct Cell {
  std::uint64_t address = 0;
  std::uint32_t initial = 0;         // before the run
  std::uint32_t base = 0;            // after all folded operations
  bool only_adds = true;             // the kept operations are adds of values >= 0
  std::int64_t min_add = INT64_MAX;  // the smallest value of a kept operation
  std::int64_t magnitude = 0;        // sum of the absolute values of the kept operations
  // Which cores have raised and which have lowered the cell, by folded operations.
  struct Cores {
    std::uint32_t core = UINT32_MAX;
    bool are_several = false;

    void add(std::uint32_t other) {
      are_several = are_several || (core != UINT32_MAX && core != other);
      core = other;
    }
    [[nodiscard]] bool has_other_than(std::uint32_t own) const {
      return are_several || (core != UINT32_MAX && core != own);
    }
  };
  Cores raised_by, lowered_by;
  bool is_stored_to = false;
  // Only of a polled word (is_word): its size, its bits after all folded operations (`base` has
  // only 32 of them), and is_opaque if an operation changed it whose value is not known.
  bool is_word = false;
  bool is_opaque = false;
  std::uint32_t size_bytes = sizeof(std::uint32_t);
  std::uint64_t bits = 0;
  // Lemma 5: by looking, `core` knows since its wait `acquire` that store `number` of core `by`,
  // and all its earlier ones, have happened.
  struct Seen {
    std::uint32_t core = 0, acquire = 0, releases_before = 0;
    std::uint32_t by = 0, number = 0;  // the store's core, and its number in program order there
  };
  std::vector<Seen> seen;
  std::vector<Chain> chains;
  // Only where signals may overtake each other: the cell's waits that are not final, in run order.
  struct Wait {
    std::uint64_t moment = 0;
    std::uint32_t core = 0, acquire = 0;
  };
  std::vector<Wait> waits;
  // By core: its last final wait for the cell, to check the assumption of lemma 4.
  struct FinalWait {
    std::uint32_t core = 0, releases_before = 0;
  };
  std::vector<FinalWait> final_waits;
};

// True if the comparison fails whenever the upper bound of the cell lies below the threshold, so
// that on a cell that only grows the upper bound alone decides (lemma 1).
[[nodiscard]] inline bool asks_for_more(WaitCmp cmp) {
  return cmp == WaitCmp::reached || cmp == WaitCmp::ge || cmp == WaitCmp::gt || cmp == WaitCmp::eq;
}

}  // namespace peal
