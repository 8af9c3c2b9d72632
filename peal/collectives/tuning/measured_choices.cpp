// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/tuning/measured_choices.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "peal/base/cache_folder.h"
#include "peal/base/error.h"
#include "peal/base/toml_file.h"
#include "peal/collectives/registry.h"

namespace peal {
namespace {

constexpr std::string_view tune_text = "tune file";
constexpr std::int64_t max_tuned_ranks = 65536;

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
    refuse_tune_file(path, error.what());
  }
  const std::int64_t ranks = table["ranks"].value_exact<std::int64_t>().value_or(0);
  if (ranks > max_tuned_ranks)
    refuse_tune_file(path, fmt::format("{} ranks are more than there can be", ranks));
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
      if (!ascends) refuse_tune_file(path, "its `max_bytes` are no sizes that ascend");
      choice.max_bytes.push_back(static_cast<std::size_t>(bytes));
    }
  }
  if (const toml::array* names = table["algorithms"].as_array()) {
    for (const toml::node& name : *names) {
      choice.algorithms.push_back(name.value_or(std::string()));
      if (known_algorithm(conditions.collective, choice.algorithms.back()) == nullptr) {
        refuse_tune_file(path,
                         fmt::format("{} has no algorithm `{}`", peal::name(conditions.collective),
                                     choice.algorithms.back()));
      }
    }
  }
  if (choice.algorithms.empty() || choice.algorithms.size() != choice.max_bytes.size() ||
      conditions.ranks < 1) {
    refuse_tune_file(path,
                     fmt::format("a choice for {} has {} algorithms for {} sizes and {} ranks",
                                 name(conditions.collective), choice.algorithms.size(),
                                 choice.max_bytes.size(), conditions.ranks));
  }
  return choice;
}

std::vector<MeasuredChoice> choices_of(const toml::table& table, const std::string& path) {
  const toml::array* const all = table["choice"].as_array();
  if (all == nullptr) refuse_tune_file(path, "it has no `choice`");
  std::vector<MeasuredChoice> choices;
  for (const toml::node& node : *all) {
    if (node.as_table() == nullptr) refuse_tune_file(path, "a `choice` is no table");
    choices.push_back(choice_of(*node.as_table(), path));
  }
  return choices;
}

}  // namespace

void refuse_tune_file(const std::string& path, const std::string& why) {
  throw UsageError(
      fmt::format("{} `{}`: {}; run `peal tune` again, or remove the file", tune_text, path, why));
}

const MeasuredChoice* nearest_choice(const std::vector<MeasuredChoice>& measured,
                                     const ChoiceConditions& wanted) {
  const MeasuredChoice* best = nullptr;
  const auto distance = [&](const MeasuredChoice& choice) {
    return std::abs(std::log2(static_cast<double>(choice.conditions.ranks) / wanted.ranks));
  };
  for (const MeasuredChoice& choice : measured) {
    ChoiceConditions with_wanted_ranks = choice.conditions;
    with_wanted_ranks.ranks = wanted.ranks;
    if (with_wanted_ranks != wanted) continue;
    if (best == nullptr || distance(choice) < distance(*best)) best = &choice;
  }
  return best;
}

std::filesystem::path tune_file() {
  const auto folder = cache_folder();
  return folder ? *folder / "tune.toml" : std::filesystem::path();
}

std::vector<MeasuredChoice> read_measured_choices(const std::string& path) {
  return choices_of(read_toml_file(std::string(tune_text), path), path);
}

std::vector<MeasuredChoice> parse_measured_choices(const std::string& text,
                                                   const std::string& path) {
  return choices_of(parse_toml(fmt::format("file of tuned algorithms `{}`", path), text), path);
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

}  // namespace peal
