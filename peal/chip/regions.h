// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "peal/run/event.h"

namespace peal {

// A named buffer in one rank's global memory.
struct Region {
  std::string name;
  int rank = 0;
  std::byte* data = nullptr;
  std::size_t size_bytes = 0;
  RegionKind kind{};
};

// The buffers in global memory, for checking an instruction's addresses before it is issued.
class Regions {
 public:
  virtual ~Regions() = default;
  // True if a single region contains all these bytes.
  [[nodiscard]] virtual bool holds(const void* address, std::size_t size_bytes) const = 0;
  // True if the address lies in a region that peers may address.
  [[nodiscard]] virtual bool is_shared(const void* address) const = 0;
  // The region that contains the address, or else the last region of the same rank that starts
  // before it.
  [[nodiscard]] virtual std::optional<Region> find(const void* address) const = 0;
};

}  // namespace peal
