// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "peal/machine/collective.h"

namespace peal {

// What the best algorithm of a collective depends on, besides the size, on a real host.
struct ChoiceConditions {
  Collective collective{};
  int ranks = 1;
  bool in_windows = false;         // the placement allows an algorithm that uses windows directly
  bool is_oversubscribed = false;  // more ranks than processors
  // The latency from rank to rank is at least shared_cache_limit_ns.
  bool lacks_shared_cache = false;

  bool operator==(const ChoiceConditions&) const = default;
};

// If a cache line takes at least this long (one way) from rank 0 to the farthest rank, the ranks
// are taken not to share a last-level cache.
inline constexpr double shared_cache_limit_ns = 110;

// The best algorithm by block size, as `peal tune` measured it: `algorithms[i]` for blocks of at
// most `max_bytes[i]` bytes (ascending), and the last algorithm for longer blocks.
struct MeasuredChoice {
  ChoiceConditions conditions;
  std::vector<std::size_t> max_bytes;
  std::vector<std::string> algorithms;
};

// The path of the file in which `peal tune` stores its measurements; empty if the user has no cache
// folder.
[[nodiscard]] std::filesystem::path tune_file();
// Parses a tune file. Throws Error, with path and reason, if it is malformed.
[[nodiscard]] std::vector<MeasuredChoice> read_measured_choices(const std::string& path);
// The same for the text of the file at that path.
[[nodiscard]] std::vector<MeasuredChoice> parse_measured_choices(const std::string& text,
                                                                 const std::string& path);
// The contents of a tune file (TOML) for the choices.
[[nodiscard]] std::string text_of(const std::vector<MeasuredChoice>& choices);
// Throws the UsageError of a tune file that cannot be used, with what to do about it.
[[noreturn]] void refuse_tune_file(const std::string& path, const std::string& why);

// Of the choices that were measured under these conditions, the one whose number of ranks is
// nearest by ratio; nullptr if there is none.
[[nodiscard]] const MeasuredChoice* nearest_choice(const std::vector<MeasuredChoice>& measured,
                                                   const ChoiceConditions& wanted);

}  // namespace peal
