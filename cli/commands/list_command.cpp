// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/list_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "cli/output/json_text.h"
#include "peal/collectives/registry.h"
#include "peal/launch/launch.h"

namespace peal {
namespace {

std::vector<const Algorithm*> algorithms_of(Collective collective) {
  std::vector<const Algorithm*> result;
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective == collective) result.push_back(&algorithm);
  }
  return result;
}

}  // namespace

std::string list_text() {
  std::string text = fmt::format("{:<16}{}\n", "collective", "algorithms");
  for (Collective collective : all_collectives) {
    std::vector<std::string> names;
    for (const Algorithm* algorithm : algorithms_of(collective))
      names.emplace_back(algorithm->name);
    text += fmt::format("{:<16}{}\n", name(collective), fmt::join(names, ", "));
  }
  return text + fmt::format("\nplatforms: {}\n", fmt::join(platform_names(), ", "));
}

std::string list_json() {
  using Json = nlohmann::ordered_json;
  Json collectives = Json::array();
  for (Collective collective : all_collectives) {
    Json rows = Json::array();
    for (const Algorithm* algorithm : algorithms_of(collective)) {
      const Formulas& formulas = algorithm->formulas;
      rows.push_back({{"name", algorithm->name},
                      {"steps", formulas.steps},
                      {"puts", formulas.puts},
                      {"gets", formulas.gets},
                      {"sent", formulas.sent},
                      {"notifies", formulas.notifies},
                      {"copied", formulas.copied}});
    }
    collectives.push_back({{"name", name(collective)}, {"algorithms", rows}});
  }
  const Json list = {{"collectives", collectives}, {"platforms", platform_names()}};
  return json_text(list);
}

}  // namespace peal
