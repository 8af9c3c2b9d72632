// SPDX-License-Identifier: Apache-2.0
#include "cli/output/failed_run_json.h"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

namespace peal {

using Json = nlohmann::ordered_json;

void add_failed_run(Json& json, const FailedRun& failed, int ranks) {
  const RunReport& report = failed.report();
  json["verdict"] = "FAIL";
  json["failure"] = failed.what();
  json["findings"] = {failed.what()};
  if (!report.ranks.empty()) {
    json["time_ps"] = report.time_ps;
    json["chip_instructions"] = report.chip_instructions;
  }
  json["per_rank"] = Json::array();
  for (int rank = 0; rank < ranks; ++rank) {
    Json entry;
    entry["rank"] = rank;
    // Of several cores, one that has not finished.
    const RankEnd* shown = nullptr;
    for (const RankEnd& end : failed.ends()) {
      if (end.rank == rank && (shown == nullptr || shown->end == "finished")) shown = &end;
    }
    entry["end"] = shown == nullptr ? "stopped" : shown->end;
    if (shown != nullptr && !shown->what.empty()) {
      entry["core"] = shown->core;
      entry["what"] = shown->what;
    }
    if (shown != nullptr && !shown->file.empty()) {
      entry["file"] = shown->file;
      entry["line"] = shown->line;
    }
    const auto index = static_cast<std::size_t>(rank);
    if (index < report.ranks.size()) add_counts(entry, report.ranks[index]);
    json["per_rank"].push_back(std::move(entry));
  }
}

void add_counts(Json& json, const RankCounts& counts) {
  json["sent_bytes"] = counts.sent_bytes;
  json["puts"] = counts.puts;
  json["gets"] = counts.gets;
  json["notifies"] = counts.notifies;
}

}  // namespace peal
