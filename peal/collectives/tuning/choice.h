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

// What the best algorithm of a collective depends on, where ranks really run.
struct ChoiceConditions {
  Collective collective{};
  int ranks = 1;
  bool in_windows = false;         // what the collective can use lies in windows
  bool is_oversubscribed = false;  // more ranks than processors
  bool lacks_shared_cache =
      false;  // a cache line takes long from rank to rank: see shared_cache_limit_ns

  bool operator==(const ChoiceConditions&) const = default;
};

// From here on lines count as far: the ranks do not share a cache.
inline constexpr double shared_cache_limit_ns = 110;

// The best algorithm by the size of a block, as it was measured: `algorithms[i]` up to
// `max_bytes[i]`, and the last one beyond.
struct MeasuredChoice {
  ChoiceConditions conditions;
  std::vector<std::size_t> max_bytes;
  std::vector<std::string> algorithms;
};

// Where `peal tune` leaves what it has measured.
[[nodiscard]] std::filesystem::path tune_file();
// What a file of that kind says. Throws Error where it is none.
[[nodiscard]] std::vector<MeasuredChoice> read_measured_choices(const std::string& path);
[[nodiscard]] std::string text_of(const std::vector<MeasuredChoice>& choices);

// An algorithm, and why it is the one.
struct Choice {
  const Algorithm* algorithm = nullptr;
  std::string reason;
};

// Those that `auto` may take on a real host: combinations are in rank order, so that results have
// the same bits on every rank and in every run.
[[nodiscard]] bool is_candidate(const Algorithm& algorithm, const Placement& placement,
                                std::size_t block_bytes);

// Whether some algorithm works straight between windows for buffers that lie so.
[[nodiscard]] bool uses_windows(Collective collective, const Placement& placement);

// The algorithm for a call where nothing was measured.
[[nodiscard]] const Algorithm& default_algorithm(const ChoiceConditions& conditions,
                                                 std::size_t block_bytes);

// The algorithm that the environment's PEAL_ALGORITHM ("all_reduce=ring,broadcast=tree") names for
// the collective, or nullptr. Throws Error for a text that is no such list.
[[nodiscard]] const Algorithm* forced_algorithm(Collective collective);

// Chooses for teams. What it knows is the same on every rank.
class Chooser {
 public:
  // The ranks of a real team measure how far they are from each other, so all call it together. A
  // simulated one simulates what may be fastest.
  [[nodiscard]] Choice choose(Team& team, Collective collective, std::size_t count, DType dtype,
                              const Placement& placement);

  // Whether the ranks are too far from each other to share a cache, as far as it is known.
  [[nodiscard]] bool lacks_shared_cache() const { return host_.lacks_shared_cache; }
  // Whether that may change, as it does on virtual machines; then measure() finds it out again, for
  // all ranks that call it together.
  [[nodiscard]] bool may_change() const { return line_ns_ > 0; }
  void measure(Team& team);

 private:
  void learn(Team& team);

  HostProbe probe_;

  bool has_learned_ = false;
  ChoiceConditions host_;
  double line_ns_ = 0;  // 0 where it was not measured, or cannot be
  std::vector<MeasuredChoice> measured_;
};

// Writes the choice to stderr where the environment's PEAL_LOG is `choices`. Throws Error for
// another value.
void log_choice(int rank, int ranks, const Choice& choice, std::size_t block_bytes,
                const Placement& placement);

}  // namespace peal
