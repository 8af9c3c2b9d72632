// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "peal/executors/shm/watch.h"

namespace peal {

// Looks after a rank of a whole arena: whether another one has failed or died, all others have
// finished, or all that have not sleep in waits, too.
class ShmTeamWatch final : public ShmWatch {
 public:
  using ShmWatch::ShmWatch;
  void before_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) override;
  void after_sleeps() override;
  [[nodiscard]] std::optional<std::string> failure() const override { return arena().failure(); }

 private:
  void check_others(const WaitWord& word, std::uint32_t target, SourcePlace place) const;
  void check_standstill() const;

  bool has_slept_ = false;  // in this wait
};

}  // namespace peal
