// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "peal/machine/event.h"

namespace peal {

// Memory at the same offset in the parts of several ranks.
struct SimWindow {
  std::string name;
  std::size_t offset = 0;
  std::size_t size_bytes = 0;
  RegionKind kind = RegionKind::window;
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

 protected:
  // Zeroed memory for another one; returns its offset.
  virtual std::size_t place(std::string_view name, std::size_t size_bytes, RegionKind kind) = 0;
  void forget_windows() { windows_.clear(); }

 private:
  std::vector<SimWindow> windows_;
};

}  // namespace peal
