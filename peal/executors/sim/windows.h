// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// Memory of several ranks: at the same offset in the part of each where peers may address it. What
// is private lies `skew_bytes` further in each part than in that of the rank before, so that the
// distance between two ranks' windows leads to none of it.
struct SimWindow {
  std::string name;
  std::size_t offset = 0;
  std::size_t size_bytes = 0;
  RegionKind kind = RegionKind::window;
  std::size_t skew_bytes = 0;
  bool is_filled = false;  // before the run

  [[nodiscard]] std::size_t offset_on(int rank) const {
    return offset + static_cast<std::size_t>(rank) * skew_bytes;
  }
};

// The symmetric windows of simulated ranks, in the order of their allocation.
class SimWindows {
 public:
  virtual ~SimWindows() = default;

  // The `index`-th one of a team whose windows so far are in `order`; the first rank that asks
  // decides name and size, and the others must ask for the same, else Error.
  const SimWindow& window(std::vector<std::size_t>& order, std::size_t index, std::string_view name,
                          std::size_t size_bytes, int rank, RegionKind kind);
  // Another one, of all ranks.
  const SimWindow& add(std::string_view name, std::size_t size_bytes, RegionKind kind);
  [[nodiscard]] const std::vector<SimWindow>& windows() const { return windows_; }
  // The host has written the last window that was added.
  void note_filled() { windows_.back().is_filled = true; }
  // Whether some of them are private memory.
  [[nodiscard]] bool has_private() const { return has_private_; }

 protected:
  // Zeroed memory for another one; sets its offset and skew.
  virtual void place(SimWindow& window) = 0;
  void forget_windows() {
    windows_.clear();
    has_private_ = false;
  }

 private:
  std::vector<SimWindow> windows_;
  bool has_private_ = false;
};

}  // namespace peal
