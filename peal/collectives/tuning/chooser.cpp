// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/tuning/chooser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "peal/base/cache_folder.h"
#include "peal/base/error.h"
#include "peal/base/notes.h"
#include "peal/collectives/collectives.h"
#include "peal/collectives/tuning/defaults.h"

namespace peal {
namespace {

// The tune file's choices as rank 0 reads them. Only rank 0 reads the file, because the file may be
// replaced between the reads of two ranks, which would then choose differently. Two broadcasts
// deliver the text: its length, so that the other ranks can make room, then the bytes. An error of
// rank 0 is delivered the same way and thrown on every rank. The broadcasts name their algorithm:
// `auto` would lead back here.
std::vector<MeasuredChoice> choices_of_rank_0(Team& team) {
  const std::string path = tune_file().string();
  std::string text;
  bool is_right = true;
  std::error_code none;
  if (team.rank() == 0 && !path.empty() && std::filesystem::exists(path, none)) {
    try {
      if (const std::string why = distrust_of_file(path); !why.empty()) refuse_tune_file(path, why);
      text = text_of(read_measured_choices(path));
    } catch (const Error& error) {
      text = error.what();
      is_right = false;
    }
  }
  const auto tell = [&](const Elements& data) {
    broadcast(team, {.send = data, .recv = data, .algorithm = "direct"});
  };
  std::array<std::uint64_t, 2> head{text.size(), is_right ? 1u : 0u};
  tell(head);
  text.resize(head[0]);
  tell(View{reinterpret_cast<std::byte*>(text.data()), text.size(), DType::u8});
  if (head[1] == 0) throw UsageError(text);
  if (text.empty()) return {};
  return parse_measured_choices(text, path);
}

std::optional<Choice> forced_choice(Collective collective) {
  const Algorithm* const forced = forced_algorithm(collective);
  if (forced == nullptr) return std::nullopt;
  return Choice{forced, "PEAL_ALGORITHM says so"};
}

// An algorithm is not simulated if the closed forms predict more than this times the best time.
constexpr double far_off = 4;
// More tiles than this would take more than seconds to simulate: then the closed forms choose.
constexpr double max_simulated_tiles = 4e6;

// A call without its algorithm; of a collective with a root, with root 0.
struct CallOutline {
  Collective collective;
  std::size_t count;
  DType dtype;
  Placement placement;

  [[nodiscard]] std::string name() const {
    return fmt::format("{} of {} {} {:d}{:d}{:d}", peal::name(collective), count, peal::name(dtype),
                       placement.send_in_window, placement.recv_in_window, placement.in_place);
  }
  void make(Team& team, const char* algorithm) const;
};

void CallOutline::make(Team& team, const char* algorithm) const {
  const CollectiveShape blocks = shape(collective, team.size());
  // Uninitialised private memory: the simulation moves no data, so nobody reads or writes it.
  std::vector<std::unique_ptr<std::byte[]>> kept;
  const auto buffer = [&](int of, bool in_window) -> View {
    const std::size_t elements = static_cast<std::size_t>(of) * count;
    if (in_window) return team.allocate(elements, dtype);
    kept.push_back(std::make_unique_for_overwrite<std::byte[]>(elements * size_bytes(dtype)));
    return {kept.back().get(), elements, dtype};
  };
  View send = buffer(blocks.send_blocks, placement.send_in_window);
  View recv = buffer(blocks.recv_blocks, placement.recv_in_window);
  const std::size_t own = static_cast<std::size_t>(team.rank()) * count;
  if (placement.in_place && blocks.recv_blocks > blocks.send_blocks) {
    send = recv.part(own, count);
  } else if (placement.in_place && blocks.send_blocks > blocks.recv_blocks) {
    recv = send.part(own, count);
  } else if (placement.in_place) {
    send = recv;
  }
  run_collective(team,
                 {.collective = collective, .send = send, .recv = recv, .algorithm = algorithm});
}

// The fastest algorithm on the simulated team. The closed forms select the candidates, and a
// simulation of each candidate decides. Every rank computes the same: the simulator is
// deterministic.
const Algorithm& fastest_algorithm(Team& team, const CallOutline& call) {
  struct Candidate {
    const Algorithm* algorithm;
    double time_ps;
  };
  std::vector<Candidate> candidates;
  double tiles = 0;
  for (const Algorithm& algorithm : algorithms()) {
    const std::size_t element = size_bytes(call.dtype);
    if (algorithm.collective != call.collective ||
        !algorithm.needs.are_met(call.placement, call.count * element)) {
      continue;
    }
    const AlgorithmFigures of = figures(algorithm, team.size(), call.count);
    candidates.push_back({&algorithm, predict_ps(of, element, team.platform())});
    tiles += static_cast<double>(team.size()) *
             (static_cast<double>(of.puts + of.gets + of.notifies) +
              static_cast<double>((of.sent + of.copied) * static_cast<std::int64_t>(element)) /
                  static_cast<double>(team.platform().verbs.tile_bytes));
  }
  PEAL_CHECK(!candidates.empty());
  std::ranges::stable_sort(candidates, {}, &Candidate::time_ps);
  std::erase_if(candidates, [worst = far_off * candidates.front().time_ps](const Candidate& one) {
    return one.time_ps > worst;
  });
  if (candidates.size() == 1 || tiles > max_simulated_tiles) return *candidates.front().algorithm;
  for (Candidate& candidate : candidates) {
    const Algorithm& algorithm = *candidate.algorithm;
    const std::optional<Picoseconds> time =
        team.device().foresee(fmt::format("{} {} {}", call.name(), algorithm.name, team.size()),
                              team.size(), [&](Team& other) { call.make(other, algorithm.name); });
    if (!time) return *candidates.front().algorithm;
    candidate.time_ps = static_cast<double>(*time);
  }
  return *std::ranges::min_element(candidates, {}, &Candidate::time_ps)->algorithm;
}

}  // namespace

const Algorithm* forced_algorithm(Collective collective) {
  const char* const value = std::getenv("PEAL_ALGORITHM");
  const Algorithm* found = nullptr;
  for (std::string_view rest = value == nullptr ? "" : value; !rest.empty();) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) {
      throw UsageError(
          fmt::format("PEAL_ALGORITHM: `{}` is no choice; give collective=algorithm, such "
                      "as all_reduce=ring, with commas between several",
                      item));
    }
    const Collective named = parse_collective(item.substr(0, equals));
    const std::string_view algorithm = item.substr(equals + 1);
    const Algorithm* const one =
        algorithm == auto_algorithm ? nullptr : &find_algorithm(named, algorithm);
    if (named == collective) found = one;
  }
  return found;
}

void Chooser::measure(Team& team) {
  const ProbedHost probed = probe_.measure(team);
  host_.ranks = team.size();
  host_.is_oversubscribed = probed.is_oversubscribed;
  host_.lacks_shared_cache = probed.line_ns >= shared_cache_limit_ns;
  line_ns_ = probed.line_ns;
}

void Chooser::learn(Team& team) {
  measure(team);
  measured_ = choices_of_rank_0(team);
  has_learned_ = true;
}

Choice Chooser::choose(Team& team, Collective collective, std::size_t count, DType dtype,
                       const Placement& placement) {
  const std::size_t block_bytes = count * size_bytes(dtype);
  if (std::optional<Choice> forced = forced_choice(collective)) return *forced;
  if (!team.device().host().is_real) {
    return {&fastest_algorithm(team, {collective, count, dtype, placement}),
            "its predicted time is least"};
  }
  if (!team.device().host().moves_values) {
    return {&default_algorithm({.collective = collective,
                                .ranks = team.size(),
                                .in_windows = uses_windows(collective, placement),
                                .is_oversubscribed = team.device().host().is_oversubscribed},
                               block_bytes),
            "nothing is measured in a run without values"};
  }
  if (!has_learned_) learn(team);
  ChoiceConditions conditions = host_;
  conditions.collective = collective;
  conditions.in_windows = uses_windows(collective, placement);
  const std::string circumstances = host_.is_oversubscribed
                                        ? std::string("more ranks than processors")
                                        : fmt::format("a line takes {:.0f} ns", line_ns_);
  if (const MeasuredChoice* known = nearest_choice(measured_, conditions)) {
    const auto last = std::ssize(known->max_bytes) - 1;
    const auto at = std::min(
        last, std::lower_bound(known->max_bytes.begin(), known->max_bytes.end(), block_bytes) -
                  known->max_bytes.begin());
    const Algorithm& algorithm =
        find_algorithm(collective, known->algorithms[static_cast<std::size_t>(at)]);
    if (algorithm.needs.are_met(placement, block_bytes)) {
      return {&algorithm, fmt::format("`peal tune` found it best for {} ranks ({})",
                                      known->conditions.ranks, circumstances)};
    }
  }
  const Algorithm& usual = default_algorithm(conditions, block_bytes);
  const auto may_be_taken = [&](const Algorithm& algorithm) {
    return algorithm.collective == collective && is_candidate(algorithm, placement, block_bytes);
  };
  if (std::count_if(algorithms().begin(), algorithms().end(), may_be_taken) == 1) {
    return {&usual, "there is no other that `auto` may take"};
  }
  return {&usual, fmt::format("nothing was measured ({}); `peal tune` does that", circumstances)};
}

void log_choice(int rank, int ranks, const Choice& choice, std::size_t block_bytes,
                const Placement& placement) {
  const char* const value = std::getenv("PEAL_LOG");
  if (value == nullptr || *value == '\0') return;
  if (std::string_view(value) != "choices") {
    throw UsageError(fmt::format("PEAL_LOG is `{}`; the only value is `choices`", value));
  }
  if (rank != 0) return;
  const std::string text = fmt::format(
      "{} of {} bytes on {} ranks, {}: {}, because {}", name(choice.algorithm->collective),
      block_bytes, ranks,
      uses_windows(choice.algorithm->collective, placement) ? "in windows" : "in private memory",
      choice.algorithm->name, choice.reason);
  give_note({Note::Kind::choice, text});
}

}  // namespace peal
