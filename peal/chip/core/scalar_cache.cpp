// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/scalar_cache.h"

#include <cstring>

#include "peal/base/error.h"

namespace peal {

bool ScalarCache::holds(const std::byte* data, std::size_t size_bytes) const {
  if (size_bytes == 0) return true;
  const std::uintptr_t first = line_of(data), last = line_of(data + size_bytes - 1);
  if (latest_ != nullptr && first == last &&
      reinterpret_cast<std::uintptr_t>(latest_->data) == first) {
    return true;
  }
  for (std::uintptr_t line = first; line <= last; line += line_bytes) {
    if (!lines_.contains(line)) return false;
  }
  return true;
}

// Lines are nodes of the map, so that pointers to them stay valid when it grows.
void ScalarCache::show(Line& line) {
  latest_ = &line;
  if (line.shown) return;
  std::memcpy(line.memory.data(), line.data, line_bytes);
  std::memcpy(line.data, line.cached.data(), line_bytes);
  line.shown = true;
  shown_.push_back(&line);
}

void ScalarCache::show(const std::byte* data, std::size_t size_bytes, bool writes) {
  if (size_bytes == 0) return;
  last_ = {last_[1], Access{data, size_bytes}};
  const std::uintptr_t first = line_of(data), last = line_of(data + size_bytes - 1);
  for (std::uintptr_t address = first; address <= last; address += line_bytes) {
    if (latest_ != nullptr && reinterpret_cast<std::uintptr_t>(latest_->data) == address) {
      latest_->dirty |= writes;
      continue;
    }
    const auto [place, is_new] = lines_.try_emplace(address);
    Line& line = place->second;
    if (is_new) {
      line.data = reinterpret_cast<std::byte*>(address);
      std::memcpy(line.cached.data(), line.data, line_bytes);
      line.filled = line.cached;
    }
    line.dirty |= writes;
    show(line);
  }
}

void ScalarCache::show_last() {
  for (const Access& access : last_) {
    if (access.size_bytes == 0) continue;
    const std::uintptr_t last = line_of(access.data + access.size_bytes - 1);
    for (std::uintptr_t line = line_of(access.data); line <= last; line += line_bytes) {
      const auto found = lines_.find(line);
      if (found != lines_.end()) show(found->second);
    }
  }
}

void ScalarCache::fill(const std::byte* data, const void* values, std::size_t size_bytes) {
  const auto found = lines_.find(line_of(data));
  if (found == lines_.end() || found->second.dirty) return;
  Line& line = found->second;
  const auto offset = static_cast<std::size_t>(data - line.data);
  std::memcpy(line.cached.data() + offset, values, size_bytes);
  std::memcpy(line.filled.data() + offset, values, size_bytes);
  if (line.shown) std::memcpy(line.data + offset, values, size_bytes);
}

// A line that is not dirty was not written (rule 1), so `cached` is still right.
void ScalarCache::hide() {
  for (Line* line : shown_) {
    if (line->dirty) std::memcpy(line->cached.data(), line->data, line_bytes);
    std::memcpy(line->data, line->memory.data(), line_bytes);
    line->shown = false;
  }
  shown_.clear();
  latest_ = nullptr;
}

void ScalarCache::write_back(const Line& line) const {
  PEAL_CHECK(!line.shown);
  if (line.dirty) std::memcpy(line.data, line.cached.data(), line_bytes);
}

void ScalarCache::clean(const std::byte* data) {
  const auto found = lines_.find(line_of(data));
  if (found == lines_.end()) return;
  write_back(found->second);
  lines_.erase(found);
}

void ScalarCache::clean_all() {
  for (const auto& [address, line] : lines_) write_back(line);
  lines_.clear();
}

void ScalarCache::retire() {
  for (const auto& [address, line] : lines_) {
    if (!line.dirty) continue;
    for (std::size_t i = 0; i < line_bytes; ++i) {
      if (line.cached[i] != line.filled[i]) line.data[i] = line.cached[i];
    }
  }
  drop();
}

void ScalarCache::drop() {
  PEAL_CHECK(shown_.empty());
  lines_.clear();
  last_ = {};
}

bool ScalarCache::is_dirty(const std::byte* data) const {
  const auto found = lines_.find(line_of(data));
  return found != lines_.end() && found->second.dirty;
}

}  // namespace peal
