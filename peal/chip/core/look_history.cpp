// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/look_history.h"

#include <fmt/format.h>

#include <cstring>

#include "peal/run/deadlock.h"

namespace peal {

bool LookHistory::repeats_look(const void* address, SourcePlace place) {
  const bool again = last_look_.address == address && last_look_.place.line == place.line &&
                     last_look_.place.file == place.file &&
                     last_look_.instruction + 1 == scalar_.instructions();
  last_look_ = {address, place, scalar_.instructions(), last_look_.bits};
  ++looks_;
  return again;
}

void LookHistory::note_found(const std::byte* address, std::size_t size, bool again) {
  std::uint64_t bits = 0;
  if (size <= sizeof bits) std::memcpy(&bits, address, size);
  if (again && bits == last_look_.bits) note_failed_poll(scalar_.place());
  last_look_.bits = bits;
}

bool LookHistory::looks_in_turn(const void* word) {
  constexpr std::uint32_t max_alike = 16;
  const SourcePlace place = scalar_.place();
  const std::uint64_t others = scalar_.instructions() - looks_;
  LookedAt& last = looked_at_[word];
  const bool is_alike = last.place.line == place.line && last.place.file == place.file;
  const bool in_turn = is_alike && (last.others == others || last.alike >= max_alike);
  last = {place, others, is_alike ? last.alike + 1 : 0, last.bits};
  return in_turn;
}

std::uint32_t LookHistory::note_value(const void* word, std::uint64_t bits) {
  LookedAt& own = looked_at_[word];
  if (bits != own.bits) own.alike = 0;
  own.bits = bits;
  return own.alike;
}

// Nobody changes a cached line but its own core. So a loop that reads one cached address and issues
// nothing else finds the same value for ever.
void LookHistory::note_cached_read(const std::byte* address) {
  const bool again =
      last_read_.address == address && last_read_.instruction + 1 == scalar_.instructions();
  last_read_ = {address, scalar_.instructions(), again ? last_read_.count + 1 : 0};
  if (last_read_.count <= polls_in_vain) return;
  throw_in_vain("reads for ever what its cache holds: a dcci is missing in the loop",
                scalar_.place());
}

// The counter is reset by every step of a pipe, store or signal (Fabric::step), so it grows only
// while scalar units alone take steps. The bound distinguishes endless polling from a peer that is
// slow to issue; it assumes that a peer never needs more polls than that to take such a step.
void LookHistory::note_failed_poll(SourcePlace place) const {
  fabric_.count_failed_poll();
  if (fabric_.failed_polls() <= polls_in_vain) return;
  throw_in_vain("polls for ever, and nobody is left who could change what it looks at", place);
}

void LookHistory::throw_in_vain(const char* what, SourcePlace place) const {
  throw Deadlock(
      fmt::format("deadlock: rank {} {}   {}:{}", scalar_.rank(), what, place.file, place.line),
      {{.rank = scalar_.rank(),
        .core = scalar_.index(),
        .polls = true,
        .what = what,
        .file = place.file,
        .line = place.line}});
}

void LookHistory::restart() {
  last_look_ = {};
  looked_at_.clear();
}

}  // namespace peal
