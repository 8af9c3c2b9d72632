// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "peal/checks/checker.h"
#include "peal/run/run.h"

namespace peal {

// The loops of looks of a run, by core and number. Points into the vector.
using LooksByNumber = std::map<std::pair<std::uint32_t, std::uint32_t>, const LookRecord*>;
[[nodiscard]] LooksByNumber by_number(const std::vector<LookRecord>& looks);

// The values that loops of looks can find and have not been shown in any run, and the runs that
// show them. In each run one core, the slow one, looks only when no other core can go on; so its
// words have then had as many of their values as possible, and each of its loops asks for one of
// those it lacks. If a loop of the core may miss its value (LookRecord::may_miss), the first run
// shows it the newest value instead: if that does not end the loop, the run deadlocks, which is the
// finding.
//
// It ends: each run removes values of the slow core, or the core is not tried again (in_vain_), and
// there are at most max_runs.
class LooksToShow {
 public:
  explicit LooksToShow(std::vector<LookRecord> looks) : looks_(std::move(looks)) { forget_shown(); }

  // True if another run may show more.
  [[nodiscard]] bool has_next() const { return runs_ < max_runs && slowest().has_value(); }
  // Chooses the slow core of the next run and sets how looks are answered in it.
  void set_next(Looks& looks);
  // Takes what the loops found in that run off the values that are left.
  void note_shown(const std::vector<LookRecord>& shown);
  // The loops of which something has not been shown in any run so far.
  [[nodiscard]] const std::vector<LookRecord>& looks() const { return looks_; }

 private:
  static constexpr int max_runs = 64;

  // The core with the most left to show, without those in in_vain_; nullopt if there is none.
  [[nodiscard]] std::optional<std::uint32_t> slowest() const;
  // By core: how much is left to show.
  [[nodiscard]] std::map<std::uint32_t, std::size_t> counts() const;
  // Drops the loops of which nothing is left to show.
  void forget_shown();

  std::vector<LookRecord> looks_;
  std::set<std::uint32_t> in_vain_;  // cores whose last run showed nothing new
  bool shows_newest_ = false;        // the current run shows the newest values, for may_miss
  std::uint32_t slow_core_ = 0;      // of the current run
  int runs_ = 0;
};

}  // namespace peal
