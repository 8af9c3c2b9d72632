// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "peal/base/units.h"
#include "peal/machine/pipe.h"

namespace peal {

// The event flags of a core: one bit for each triple (from, to, id), with the time of its setting.
class Flags {
 public:
  static constexpr int ids = 8;

  [[nodiscard]] static std::uint32_t index(int from, int to, int id) {
    return static_cast<std::uint32_t>((from * pipe_count + to) * ids + id);
  }
  [[nodiscard]] static int to(std::uint32_t flag) {
    return static_cast<int>(flag) / ids % pipe_count;
  }
  Flags() { times_.fill(unset); }

  [[nodiscard]] bool is_set(std::uint32_t flag) const { return times_[flag] != unset; }
  void set(std::uint32_t flag, Picoseconds time) { times_[flag] = time; }
  // Clears the flag and says when it was set.
  Picoseconds take(std::uint32_t flag) {
    const Picoseconds time = times_[flag];
    times_[flag] = unset;
    return time;
  }

 private:
  static constexpr Picoseconds unset = -1;
  std::array<Picoseconds, pipe_count * pipe_count * ids> times_;
};

}  // namespace peal
