// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "peal/collectives/registry.h"
#include "peal/collectives/tuning/latency_probe.h"
#include "peal/machine/team.h"

namespace peal {

// This folder chooses the algorithm for `auto`: Chooser::choose() is its entry. latency_probe.h
// measures the host, choice.cpp holds the rules and the tune file. `peal tune` (cli/tune_command)
// writes that file. Read Chooser first, then Chooser::choose() in choice.cpp.

// What the best algorithm of a collective depends on, besides the size, on a real host.
struct ChoiceConditions {
  Collective collective{};
  int ranks = 1;
  bool in_windows = false;         // the placement allows an algorithm that uses windows directly
  bool is_oversubscribed = false;  // more ranks than processors
  bool lacks_shared_cache =
      false;  // the latency from rank to rank is at least shared_cache_limit_ns

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
// The contents of a tune file (TOML) for the choices.
[[nodiscard]] std::string text_of(const std::vector<MeasuredChoice>& choices);

// An algorithm, and the reason why it was chosen, as the end of a sentence after "because".
struct Choice {
  const Algorithm* algorithm = nullptr;
  std::string reason;
};

// True if `auto` may take the algorithm on a real host: it needs no staging, and if it reduces, it
// does so in rank order, so that results have the same bits on every rank and in every run.
[[nodiscard]] bool is_candidate(const Algorithm& algorithm, const Placement& placement,
                                std::size_t block_bytes);

// True if the collective has an algorithm that works directly on windows with this placement.
[[nodiscard]] bool uses_windows(Collective collective, const Placement& placement);

// The algorithm for conditions that nothing was measured for, by built-in thresholds.
[[nodiscard]] const Algorithm& default_algorithm(const ChoiceConditions& conditions,
                                                 std::size_t block_bytes);

// The algorithm that the environment variable PEAL_ALGORITHM ("all_reduce=ring,broadcast=tree")
// names for the collective, or nullptr. Throws Error if its text is malformed.
[[nodiscard]] const Algorithm* forced_algorithm(Collective collective);

// Chooses algorithms for one team. Ranks that chose differently would wait for each other forever,
// so every input of a choice is the same on every rank: measurements and the tune file are rank 0's
// and are sent to all, and the environment is taken to be the same.
class Chooser {
 public:
  // Chooses the algorithm for blocks of `count` elements; all ranks call it together. The first
  // source that has an answer decides: PEAL_ALGORITHM; on a simulated team, a simulation of the
  // candidates; on a real one, the tune file, then default_algorithm(). The first choice of a real
  // team measures the host and reads the file. Throws Error for a malformed variable or tune file.
  [[nodiscard]] Choice choose(Team& team, Collective collective, std::size_t count, DType dtype,
                              const Placement& placement);

  // True if the ranks were measured not to share a cache.
  [[nodiscard]] bool lacks_shared_cache() const { return host_.lacks_shared_cache; }
  // True if the latency was measured at all. It may change then: a hypervisor moves virtual
  // processors.
  [[nodiscard]] bool may_change() const { return line_ns_ > 0; }
  // Measures the host again; all ranks call it together.
  void measure(Team& team);

 private:
  void learn(Team& team);

  HostProbe probe_;

  bool has_learned_ = false;
  ChoiceConditions host_;
  double line_ns_ = 0;  // latency of a cache line, one way; 0 if it was not measured
  std::vector<MeasuredChoice> measured_;
};

// Rank 0 writes the choice to stderr if the environment variable PEAL_LOG is `choices`. Throws
// Error, on every rank, for another value.
void log_choice(int rank, int ranks, const Choice& choice, std::size_t block_bytes,
                const Placement& placement);

}  // namespace peal
