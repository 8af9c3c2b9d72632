// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "peal/base/alignment.h"

namespace peal {

// The scalar unit's data cache: 64-byte lines, write-back, not coherent with other cores or with
// this core's pipes. Cleaning a dirty line writes all its 64 bytes, and so overwrites what others
// have stored into the same line since the fill. Initially empty; lines are never evicted.
//
// The program makes its accesses itself, with plain loads and stores at the addresses of memory. It
// sees its cache because the bytes are swapped: a line is *shown* while memory holds its cached
// bytes and `memory` keeps memory's own, and *hidden* otherwise. The protocol has four rules:
// 1. The program announces each access (Core::scalar_access), which shows the lines it touches. So
//    it never reads memory's bytes of a cached line, and never writes to a line unannounced.
// 2. hide() undoes all swaps: it saves the bytes of dirty lines, which the program may have
//    written, and restores memory's own. It runs before the core's fiber is left
//    (ScalarUnit::leave, fail, finish). All cores share one thread, so no step is taken while a
//    line is shown.
// 3. So the cached bytes of a line are in `cached` while it is hidden, and in memory while it is
//    shown; a shown line that is not dirty still equals `cached`.
// 4. Operations that move cached bytes to memory (clean, clean_all, retire) act on hidden lines
//    only, and drop them, so that the next access fills them again.
class ScalarCache {
 public:
  static constexpr std::size_t line_bytes = cache_line_bytes;

  // True if all lines of these bytes are cached.
  [[nodiscard]] bool holds(const std::byte* data, std::size_t size_bytes) const;
  // Shows the lines of these bytes, after filling those that are not cached from memory. If
  // `writes`, the lines are dirty from then on.
  void show(const std::byte* data, std::size_t size_bytes, bool writes);
  // Shows the lines of the last two announced accesses again, if they are still cached. A program
  // may announce two accesses before it makes the first one (a copy announces its destination and
  // its source); if the second announcement suspends the core, the first one's lines are hidden.
  void show_last();
  void hide();
  // Replaces bytes of a cached line that is not dirty, as if memory had held them at the fill.
  void fill(const std::byte* data, const void* values, std::size_t size_bytes);

  // Precondition of all of these: no line is shown. clean() writes the line of an address back if
  // it is dirty, and drops it; clean_all() does so with all lines. retire() writes back only the
  // bytes that differ from the fill, so that it restores no stale neighbour, and drops all lines.
  void clean(const std::byte* data);
  void clean_all();
  void retire();
  // Drops all lines without writing them back.
  void drop();

  [[nodiscard]] bool is_dirty(const std::byte* data) const;
  [[nodiscard]] bool is_empty() const { return lines_.empty(); }

 private:
  struct Line {
    std::byte* data = nullptr;                   // the line's address in memory
    std::array<std::byte, line_bytes> cached{};  // its cached bytes; valid while hidden
    std::array<std::byte, line_bytes> filled{};  // its bytes at the fill
    std::array<std::byte, line_bytes> memory{};  // memory's own bytes; valid while shown
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
  Line* latest_ = nullptr;        // the line shown last: a fast path; null if none is shown
  std::array<Access, 2> last_{};  // the last two announced accesses, the older one first
};

}  // namespace peal
