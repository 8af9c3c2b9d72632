// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "peal/base/alignment.h"

namespace peal {

// The scalar unit's data cache: 64-byte lines, write-back, coherent with nothing. Cleaning a dirty
// line writes all its 64 bytes and so restores stale neighbours. Empty at first.
//
// The program makes its accesses itself, at the addresses of memory. So while it runs, the lines
// that it touches are shown: their cached bytes lie in the place of memory's own, which are kept
// aside. Before anybody else looks, hide() takes back what the program has written.
class ScalarCache {
 public:
  static constexpr std::size_t line_bytes = cache_line_bytes;

  // Whether all lines of these bytes are cached.
  [[nodiscard]] bool holds(const std::byte* data, std::size_t size_bytes) const;
  // Shows the lines of these bytes, filled from memory where they are not cached. A line that the
  // program is going to write is dirty from then on.
  void show(const std::byte* data, std::size_t size_bytes, bool writes);
  // Shows the lines of the last accesses that are still cached: an access may be announced before
  // others are, and made after them.
  void show_last();
  void hide();
  // Gives bytes of a line that was just filled other values than memory has.
  void fill(const std::byte* data, const void* values, std::size_t size_bytes);

  // The next ones need hide() before. Write the line of an address back if it is dirty, and drop
  // it; the same with all lines; write back the changed bytes alone of all lines, and drop them.
  void clean(const std::byte* data);
  void clean_all();
  void retire();
  // Forgets all lines.
  void drop();

  [[nodiscard]] bool is_dirty(const std::byte* data) const;
  [[nodiscard]] bool is_empty() const { return lines_.empty(); }

 private:
  struct Line {
    std::byte* data = nullptr;                   // where in memory it belongs
    std::array<std::byte, line_bytes> cached{};  // valid while hidden
    std::array<std::byte, line_bytes> filled{};  // what memory held then
    std::array<std::byte, line_bytes> memory{};  // valid while shown
    bool dirty = false;
    bool shown = false;
  };
  struct Access {
    const std::byte* data = nullptr;
    std::size_t size_bytes = 0;
  };
  [[nodiscard]] static std::uintptr_t line_of(const std::byte* data) {
    return reinterpret_cast<std::uintptr_t>(data) & ~(line_bytes - 1);
  }
  void show(Line& line);
  void write_back(const Line& line) const;

  std::unordered_map<std::uintptr_t, Line> lines_;
  std::vector<Line*> shown_;
  Line* latest_ = nullptr;        // shown last, where most accesses go again
  std::array<Access, 2> last_{};  // a copy announces what it writes and what it reads
};

}  // namespace peal
