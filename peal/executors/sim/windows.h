// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "peal/run/event.h"

namespace peal {

// A buffer that every rank has in its part of memory. If peers may address it, it lies at the same
// offset in every part. Private memory lies `skew_bytes` further in each part than in the part of
// the rank before; so translating a private address to a peer, as if it were symmetric, never gives
// the peer's corresponding byte, and a kernel that does so cannot work by accident.
struct SimWindow {
  std::string name;
  std::size_t offset = 0;
  std::size_t size_bytes = 0;
  RegionKind kind = RegionKind::window;
  std::size_t skew_bytes = 0;
  bool is_filled = false;      // the host has written it before the run
  std::uint32_t argument = 0;  // the kernel's argument, from 1, whose memory it is in one call

  [[nodiscard]] std::size_t offset_on(int rank) const {
    return offset + static_cast<std::size_t>(rank) * skew_bytes;
  }
};

// The symmetric windows of simulated ranks, in the order of their allocation.
class SimWindows {
 public:
  virtual ~SimWindows() = default;

  // Returns window `index` of a team. `order` holds the team's windows so far, as indices into
  // windows(). The first rank that asks allocates it; the others must ask for the same name and
  // size, otherwise Error.
  const SimWindow& window(std::vector<std::size_t>& order, std::size_t index, std::string_view name,
                          std::size_t size_bytes, int rank, RegionKind kind);
  // Allocates another window on all ranks. Throws Error when memory does not suffice.
  const SimWindow& add(std::string_view name, std::size_t size_bytes, RegionKind kind);
  [[nodiscard]] const std::vector<SimWindow>& windows() const { return windows_; }
  // Notes that the host has written the window that was added last.
  void note_filled() { windows_.back().is_filled = true; }
  // Notes whose memory it is: windows of one argument differ in the call.
  void note_argument(std::uint32_t argument) { windows_.back().argument = argument; }
  // True if one of the windows is private memory.
  [[nodiscard]] bool has_private() const { return has_private_; }

 protected:
  // Finds zeroed memory for a new window, and sets its offset and skew; throws Error if none is
  // left.
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
