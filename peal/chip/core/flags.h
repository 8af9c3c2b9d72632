// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "peal/base/units.h"
#include "peal/run/pipe.h"

namespace peal {

// The event flags of a core, each with the time at which it was set. A flag is identified by the
// triple (setting pipe, waiting pipe, id), or by the pair (setting pipe, id) if the platform
// ignores the waiter (Platform::Switches::event_identity_without_waiter).
class Flags {
 public:
  static constexpr int ids = 8;

  explicit Flags(bool without_waiter) : without_waiter_(without_waiter) { times_.fill(unset); }

  [[nodiscard]] std::uint32_t index(int from, int to, int id) const {
    return static_cast<std::uint32_t>((from * pipe_count + (without_waiter_ ? from : to)) * ids +
                                      id);
  }

  // The pipes that may wait for the flag: [begin, end).
  struct Waiters {
    int begin = 0, end = 0;
  };
  [[nodiscard]] Waiters waiters(std::uint32_t flag) const {
    if (without_waiter_) return {0, pipe_count};
    const int to = static_cast<int>(flag) / ids % pipe_count;
    return {to, to + 1};
  }

  [[nodiscard]] bool is_set(std::uint32_t flag) const { return times_[flag] != unset; }
  void set(std::uint32_t flag, Picoseconds time) { times_[flag] = time; }
  // Clears the flag and returns the time at which it was set.
  Picoseconds take(std::uint32_t flag) {
    const Picoseconds time = times_[flag];
    times_[flag] = unset;
    return time;
  }

 private:
  bool without_waiter_;
  static constexpr Picoseconds unset = -1;
  std::array<Picoseconds, pipe_count * pipe_count * ids> times_;
};

}  // namespace peal
