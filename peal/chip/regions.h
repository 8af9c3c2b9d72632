// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "peal/run/event.h"

namespace peal {

// A named part of one rank's global memory.
struct Region {
  std::string name;
  int rank = 0;
  std::byte* data = nullptr;
  std::size_t size_bytes = 0;
  RegionKind kind{};
};

// What global memory holds, so that an instruction's addresses can be checked before it is carried
// out.
class Regions {
 public:
  virtual ~Regions() = default;
  // Whether one region holds all these bytes.
  [[nodiscard]] virtual bool holds(const void* address, std::size_t size_bytes) const = 0;
  // Whether a region that peers may address holds the address.
  [[nodiscard]] virtual bool is_shared(const void* address) const = 0;
  // The region that holds the address, or the nearest one of its rank that starts before it.
  [[nodiscard]] virtual std::optional<Region> find(const void* address) const = 0;
};

}  // namespace peal
