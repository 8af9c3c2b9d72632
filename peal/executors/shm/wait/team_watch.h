// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peal/executors/shm/wait/watch.h"

namespace peal {

// Looks after a rank of a whole arena: whether another one has failed or died, all others have
// finished, or all that have not sleep in waits, too.
class ShmTeamWatch : public ShmWatch {
 public:
  using ShmWatch::ShmWatch;
  void before_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) override;
  void after_sleeps() override;
  [[nodiscard]] std::string owner() const override { return " of rank " + std::to_string(rank()); }
  // Which ranks are in no wait, and so keep the others waiting.
  [[nodiscard]] std::string advice() const override;
  [[nodiscard]] std::string others() const override;
  [[nodiscard]] std::string abort(const std::string& why) const override {
    return arena().break_off_for_all(rank(), why);
  }
  [[nodiscard]] std::optional<std::string> failure() const override { return arena().failure(); }

 private:
  void check_others(const WaitWord& word, std::uint32_t target, SourcePlace place) const;
  void check_deadlock() const;
  // Where the team's calls differ, as a line of its own, or nothing.
  [[nodiscard]] std::string difference() const;

  bool has_slept_ = false;  // in this wait
};

}  // namespace peal
