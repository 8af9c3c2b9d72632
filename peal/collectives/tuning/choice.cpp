// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/tuning/choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/cache_folder.h"
#include "peal/base/error.h"
#include "peal/base/say.h"
#include "peal/base/toml_file.h"
#include "peal/collectives/collectives.h"

namespace peal {
namespace {

constexpr std::string_view tune_text = "tune file";
constexpr std::int64_t max_tuned_ranks = 65536;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw UsageError(
      fmt::format("{} `{}`: {}; run `peal tune` again, or remove the file", tune_text, path, why));
}

// The keys that files of version 0.1 have instead; in two halves, since these words are out of use.
constexpr const char* distance_before =
    "far"
    "_lines";
constexpr const char* sizes_before =
    "most"
    "_bytes";

// The value of a key, or of the one before.
toml::node_view<const toml::node> value_of(const toml::table& table, const char* key,
                                           const char* key_before) {
  const auto value = table[key];
  return value ? value : table[key_before];
}

MeasuredChoice choice_of(const toml::table& table, const std::string& path) {
  MeasuredChoice choice;
  ChoiceConditions& conditions = choice.conditions;
  try {
    conditions.collective = parse_collective(table["collective"].value_or(std::string()));
  } catch (const Error& error) {
    refuse(path, error.what());
  }
  const std::int64_t ranks = table["ranks"].value_exact<std::int64_t>().value_or(0);
  if (ranks > max_tuned_ranks)
    refuse(path, fmt::format("{} ranks are more than there can be", ranks));
  conditions.ranks = static_cast<int>(ranks);
  conditions.in_windows = table["in_windows"].value_or(false);
  conditions.is_oversubscribed = table["oversubscribed"].value_or(false);
  conditions.lacks_shared_cache =
      value_of(table, "no_shared_cache", distance_before).value_or(false);
  if (const toml::array* sizes = value_of(table, "max_bytes", sizes_before).as_array()) {
    for (const toml::node& size : *sizes) {
      const std::int64_t bytes = size.value_exact<std::int64_t>().value_or(-1);
      const bool ascends =
          bytes >= 0 &&
          (choice.max_bytes.empty() || static_cast<std::size_t>(bytes) > choice.max_bytes.back());
      if (!ascends) refuse(path, "its `max_bytes` are no sizes that ascend");
      choice.max_bytes.push_back(static_cast<std::size_t>(bytes));
    }
  }
  if (const toml::array* names = table["algorithms"].as_array()) {
    for (const toml::node& name : *names) {
      choice.algorithms.push_back(name.value_or(std::string()));
      if (known_algorithm(conditions.collective, choice.algorithms.back()) == nullptr) {
        refuse(path, fmt::format("{} has no algorithm `{}`", peal::name(conditions.collective),
                                 choice.algorithms.back()));
      }
    }
  }
  if (choice.algorithms.empty() || choice.algorithms.size() != choice.max_bytes.size() ||
      conditions.ranks < 1) {
    refuse(path, fmt::format("a choice for {} has {} algorithms for {} sizes and {} ranks",
                             name(conditions.collective), choice.algorithms.size(),
                             choice.max_bytes.size(), conditions.ranks));
  }
  return choice;
}

std::vector<MeasuredChoice> choices_of(const toml::table& table, const std::string& path) {
  const toml::array* const all = table["choice"].as_array();
  if (all == nullptr) refuse(path, "it has no `choice`");
  std::vector<MeasuredChoice> choices;
  for (const toml::node& node : *all) {
    if (node.as_table() == nullptr) refuse(path, "a `choice` is no table");
    choices.push_back(choice_of(*node.as_table(), path));
  }
  return choices;
}

// Of the choices measured under these conditions, the one whose number of ranks is nearest by
// ratio.
const MeasuredChoice* nearest(const std::vector<MeasuredChoice>& measured,
                              const ChoiceConditions& wanted) {
  const MeasuredChoice* best = nullptr;
  const auto distance = [&](const MeasuredChoice& choice) {
    return std::abs(std::log2(static_cast<double>(choice.conditions.ranks) / wanted.ranks));
  };
  for (const MeasuredChoice& choice : measured) {
    ChoiceConditions but_for_ranks = choice.conditions;
    but_for_ranks.ranks = wanted.ranks;
    if (but_for_ranks != wanted) continue;
    if (best == nullptr || distance(choice) < distance(*best)) best = &choice;
  }
  return best;
}

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
      if (const std::string why = distrust_of_file(path); !why.empty()) refuse(path, why);
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
  return choices_of(parse_toml(fmt::format("file of tuned algorithms `{}`", path), text), path);
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

std::filesystem::path tune_file() {
  const auto folder = cache_folder();
  return folder ? *folder / "tune.toml" : std::filesystem::path();
}

std::vector<MeasuredChoice> read_measured_choices(const std::string& path) {
  return choices_of(read_toml_file(std::string(tune_text), path), path);
}

std::string text_of(const std::vector<MeasuredChoice>& choices) {
  std::string text =
      "# Measured by `peal tune`: the best algorithm up to so many bytes of a block.\n";
  for (const MeasuredChoice& choice : choices) {
    const ChoiceConditions& conditions = choice.conditions;
    text += fmt::format(
        "\n[[choice]]\ncollective = \"{}\"\nranks = {}\nin_windows = {}\noversubscribed = {}\n"
        "no_shared_cache = {}\nmax_bytes = [{}]\nalgorithms = [\"{}\"]\n",
        name(conditions.collective), conditions.ranks, conditions.in_windows,
        conditions.is_oversubscribed, conditions.lacks_shared_cache,
        fmt::join(choice.max_bytes, ", "), fmt::join(choice.algorithms, "\", \""));
  }
  return text;
}

bool uses_windows(Collective collective, const Placement& placement) {
  return std::any_of(algorithms().begin(), algorithms().end(), [&](const Algorithm& algorithm) {
    const Needs& needs = algorithm.needs;
    return algorithm.collective == collective && (needs.send_in_window || needs.recv_in_window) &&
           needs.are_met(placement, 0);
  });
}

bool is_candidate(const Algorithm& algorithm, const Placement& placement, std::size_t block_bytes) {
  const Needs& needs = algorithm.needs;
  if (!needs.are_met(placement, block_bytes)) return false;
  const bool combines = shape(algorithm.collective, 1).has_op;
  return !combines || needs.in_rank_order;
}

// True if a block should be sent in packets, which carry their own flags. Packets save one cache
// line transfer per message; plain copies move long blocks faster. So the limit on the block is
// higher where a transfer is slow (no shared cache) and where only one rank puts (broadcast). The
// limits on all blocks together and on the ranks bound the size of the row of packets.
bool prefers_packets(const ChoiceConditions& conditions, std::size_t block_bytes) {
  constexpr std::size_t max_of_all = 32768;
  constexpr int max_ranks = 64;
  const bool one_puts = conditions.collective == Collective::broadcast;
  const std::size_t most = conditions.lacks_shared_cache || one_puts ? Packets::max_bytes : 1024;
  return block_bytes <= most && conditions.ranks <= max_ranks &&
         block_bytes * static_cast<std::size_t>(conditions.ranks) <= max_of_all;
}

const Algorithm& default_algorithm(const ChoiceConditions& conditions, std::size_t block_bytes) {
  const auto choose = [&](const char* name) -> const Algorithm& {
    return find_algorithm(conditions.collective, name);
  };
  const auto packets_or = [&](const char* name) -> const Algorithm& {
    return choose(prefers_packets(conditions, block_bytes) ? "packet" : name);
  };
  // The bytes that each rank moves. An algorithm that works directly on windows saves a copy, but
  // costs an address exchange, which is dearer where ranks share processors. It pays from
  // `meeting_pays` bytes on, for a broadcast from `reading_pays` bytes on.
  const std::size_t moved = block_bytes * static_cast<std::size_t>(conditions.ranks);
  const std::size_t meeting_pays = conditions.is_oversubscribed ? 65536 : 8192;
  const bool direct = conditions.in_windows && moved > meeting_pays;
  const std::size_t reading_pays = conditions.is_oversubscribed ? 32768 : 16384;
  switch (conditions.collective) {
    case Collective::all_reduce:
      if (direct) return packets_or("window_push");
      return packets_or(moved <= 4 * meeting_pays ? "push" : "two_phase");
    case Collective::all_gather:
      return packets_or(direct ? "window_push" : "direct");
    case Collective::reduce_scatter:
      return packets_or(direct ? "window_pull" : "push");
    case Collective::all_to_all:
      return packets_or(direct ? "window_push" : "push");
    case Collective::broadcast:
      return packets_or(conditions.in_windows && moved > reading_pays ? "window_pull" : "fifo");
    case Collective::reduce:
    case Collective::gather:
    case Collective::scatter:
      return choose("direct");
    case Collective::barrier:
      break;
  }
  return choose("dissemination");
}

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
  if (!has_learned_) learn(team);
  ChoiceConditions conditions = host_;
  conditions.collective = collective;
  conditions.in_windows = uses_windows(collective, placement);
  const std::string circumstances = host_.is_oversubscribed
                                        ? std::string("more ranks than processors")
                                        : fmt::format("a line takes {:.0f} ns", line_ns_);
  if (const MeasuredChoice* known = nearest(measured_, conditions)) {
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
  say("peal: {} of {} bytes on {} ranks, {}: {}, because {}\n", name(choice.algorithm->collective),
      block_bytes, ranks,
      uses_windows(choice.algorithm->collective, placement) ? "in windows" : "in private memory",
      choice.algorithm->name, choice.reason);
}

}  // namespace peal
