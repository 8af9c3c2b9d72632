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

// Looks of a run by their core and their number.
using LooksByNumber = std::map<std::pair<std::uint32_t, std::uint32_t>, const LookRecord*>;
[[nodiscard]] LooksByNumber by_number(const std::vector<LookRecord>& looks);

// What loops of looks can find and were not shown, and the runs that show it to them: in each, one
// core goes on only when nobody else can, so that the words that it looks at are as new as can be.
// Where the newest value may be one that ends no loop, the first run of a core shows just that.
class LooksToShow {
 public:
  explicit LooksToShow(std::vector<LookRecord> looks) : looks_(std::move(looks)) { forget_shown(); }

  // Whether there is a run that may show more.
  [[nodiscard]] bool has_next() const { return runs_ < max_runs && slowest().has_value(); }
  // How looks are answered in it.
  void set_next(Looks& looks);
  // What the looks that were asked for have found in it.
  void note_shown(const std::vector<LookRecord>& shown);
  // What has been shown in no run so far.
  [[nodiscard]] const std::vector<LookRecord>& looks() const { return looks_; }

 private:
  static constexpr int max_runs = 64;

  // The core whose looks have most to be shown, of those of which the last run has shown some.
  [[nodiscard]] std::optional<std::uint32_t> slowest() const;
  [[nodiscard]] std::map<std::uint32_t, std::size_t> counts() const;
  void forget_shown();

  std::vector<LookRecord> looks_;
  std::set<std::uint32_t> in_vain_;
  bool shows_newest_ = false;
  std::uint32_t slow_core_ = 0;
  int runs_ = 0;
};

}  // namespace peal
