// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peal/executors/shm/wait/watch.h"

namespace peal {

// Watches the waits of a rank in a run where every rank of the arena takes part. A wait is in vain,
// and throws RunError, if another rank has failed or died, if all others have finished, or if all
// ranks that have not finished are in a deadlock.
class ShmTeamWatch : public ShmWatch {
 public:
  using ShmWatch::ShmWatch;
  void before_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) override;
  void after_sleeps() override;
  [[nodiscard]] std::string owner() const override { return " of rank " + std::to_string(rank()); }
  // Names the running ranks that are outside of waits, since those keep the others waiting.
  [[nodiscard]] std::string advice() const override;
  [[nodiscard]] std::string others() const override;
  [[nodiscard]] std::string abort(const std::string& why) const override {
    return arena().break_off_for_all(rank(), why);
  }
  [[nodiscard]] std::optional<std::string> failure() const override { return arena().failure(); }

 private:
  void check_others(const WaitWord& word, std::uint32_t target, SourcePlace place) const;
  void check_deadlock() const;
  // The first difference between the ranks' collective calls, on a line of its own; may be empty.
  [[nodiscard]] std::string difference() const;

  bool has_slept_ = false;  // during this wait
};

}  // namespace peal
