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

// What a core does to a signal's cell: a notify that adds to it or sets it, or a store of its word.
struct Operation {
  enum class Kind : std::uint8_t { add, set, store };
  static constexpr std::uint32_t never = UINT32_MAX;

  std::uint32_t core = 0;
  std::uint32_t cell = 0;
  std::uint32_t number = 0;    // in the program order of its core
  std::uint32_t acquired = 0;  // waits that its core had passed
  // A notify's number among the releases of its core, from 1; how many there were before a store.
  std::uint32_t release = 0;
  // Who knows this release of its core knows that the operation, and all before it in its chain,
  // has taken effect; and the wait of its own core from which on that does.
  std::uint32_t known_from = never;
  std::uint32_t own_known_from = never;
  std::uint64_t moment = 0;  // in the order of the run
  std::int64_t value = 0;
  Kind kind{};
  SourceId place = 0;
  bool is_first_of_core = false;  // its core has done nothing to the cell before
  std::uint32_t store = never;    // its number among the stores that are kept
  // Where signals may overtake each other: the wait that could not have passed if it had not
  // arrived, by its core and number there.
  std::uint32_t shown_to = 0, shown_by = never;

  [[nodiscard]] bool replaces() const { return kind != Kind::add; }
  [[nodiscard]] bool may_raise() const { return replaces() || value > 0; }
  [[nodiscard]] bool may_lower() const { return replaces() || value < 0; }
};

// A store that gives a cell a new value, whatever it held.
struct CellStore {
  Access access;
  LaneClock clock;
  std::uint32_t cell = 0;
  std::uint64_t moment = 0;
  std::int64_t value = 0;
};

// A wait that was satisfied.
struct SatisfiedWait {
  std::uint32_t core = 0;
  std::uint32_t acquire = 0;          // its number among the waits of its core, from 1
  std::uint32_t releases_before = 0;  // of its core
  std::uint32_t cell = 0;
  std::uint64_t moment = 0;
  std::uint32_t threshold = 0;
  WaitCmp cmp{};
  bool polled = false;
  bool holds_by_itself = false;  // by what its core has done and waited for, others only adding
  // Of a look at a polled word: what it found, which is what ended it if it did not go on, and what
  // the looks before it found that were the same; its number among those of its core.
  bool is_look = false;
  bool goes_on = false;
  bool is_single = false;  // no look before it was the same
  std::uint32_t number = 0;
  std::uint64_t found = 0;
  std::int64_t least = INT64_MIN;  // that a signal can hold, if it is only added to
  std::uint32_t repeats = 0;       // looks before this one that have found the same, in a row
  std::vector<std::uint64_t> failed;
  SourceId place = 0;
  LaneClock clock;  // of the scalar unit when it passed

  [[nodiscard]] bool has_failed(std::uint64_t bits) const {
    return std::find(failed.begin(), failed.end(), bits) != failed.end();
  }
};

// The operations of one core on one cell that are not settled, in program order.
struct Chain {
  std::uint32_t core = 0;
  std::vector<std::uint32_t> operations;
  std::vector<std::int64_t> sums{0};        // of what is added before each
  std::vector<std::uint32_t> replacements;  // which of them are no adds
  // How many before each may raise the cell, and how many may lower it.
  std::vector<std::uint32_t> raises{0}, falls{0};

  [[nodiscard]] bool has_adds() const { return replacements.size() < operations.size(); }
};

struct Cell {
  std::uint64_t address = 0;
  std::uint32_t initial = 0;  // what it holds before the run
  std::uint32_t base = 0;     // and after everything that is settled
  bool only_adds = true;      // what is not settled: adds of no negative values
  std::int64_t min_add = INT64_MAX;
  std::int64_t magnitude = 0;  // of all values that are not settled together
  // Who has raised and who has lowered what it holds, of what is settled.
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
  // A word that is polled: how it is looked at, what it holds after everything that is settled (a
  // signal's is `base`), and whether it is changed in ways that are not followed.
  bool is_word = false;
  bool is_opaque = false;
  std::uint32_t size_bytes = sizeof(std::uint32_t);
  std::uint64_t bits = 0;
  // Stores that have happened before a core passed so many waits, since it looked.
  struct Seen {
    std::uint32_t core = 0, acquire = 0, releases_before = 0;
    std::uint32_t by = 0, number = 0;  // the store's core, and its number there
  };
  std::vector<Seen> seen;
  std::vector<Chain> chains;
  // Where signals may overtake each other: the waits for it that are not settled.
  struct Wait {
    std::uint64_t moment = 0;
    std::uint32_t core = 0, acquire = 0;
  };
  std::vector<Wait> waits;
  // The last wait of each core for it that is settled.
  struct Settled {
    std::uint32_t core = 0, releases_before = 0;
  };
  std::vector<Settled> settled;
};

// Whether more on a cell makes a wait with this comparison pass, and nothing else does.
[[nodiscard]] inline bool asks_for_more(WaitCmp cmp) {
  return cmp == WaitCmp::reached || cmp == WaitCmp::ge || cmp == WaitCmp::gt || cmp == WaitCmp::eq;
}

}  // namespace peal
