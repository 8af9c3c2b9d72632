// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/scalar_cache.h"

#include <cstring>

#include "peal/base/error.h"

namespace peal {

ScalarCache::Line& ScalarCache::fetch(const std::byte* address, std::size_t size) {
  const std::uintptr_t line_address = line_of(address);
  CHECK(line_of(address + size - 1) == line_address);
  const auto [place, is_new] = lines_.try_emplace(line_address);
  if (is_new) {
    std::memcpy(place->second.bytes.data(), reinterpret_cast<const void*>(line_address),
                line_bytes);
  }
  return place->second;
}

void ScalarCache::load(void* value, const std::byte* address, std::size_t size) {
  const Line& line = fetch(address, size);
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(address) % line_bytes;
  std::memcpy(value, line.bytes.data() + offset, size);
}

void ScalarCache::store(std::byte* address, const void* value, std::size_t size) {
  Line& line = fetch(address, size);
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(address) % line_bytes;
  std::memcpy(line.bytes.data() + offset, value, size);
  line.dirty = true;
}

bool ScalarCache::clean(const std::byte* address) {
  const auto found = lines_.find(line_of(address));
  if (found == lines_.end()) return false;
  const bool dirty = found->second.dirty;
  if (dirty) {
    std::memcpy(reinterpret_cast<void*>(found->first), found->second.bytes.data(), line_bytes);
  }
  lines_.erase(found);
  return dirty;
}

void ScalarCache::clean_all() {
  while (!lines_.empty()) clean(reinterpret_cast<const std::byte*>(lines_.begin()->first));
}

}  // namespace peal
