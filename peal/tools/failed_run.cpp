// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/failed_run.h"

#include <nlohmann/json.hpp>

#include "peal/run/deadlock.h"
#include "peal/run/kernel_failure.h"

namespace peal {

FailedRun FailedRun::of(const RunError& error, RunReport report) {
  std::vector<RankEnd> ends;
  if (const auto* deadlock = dynamic_cast<const Deadlock*>(&error)) {
    for (const StandingCore& core : deadlock->cores()) {
      ends.push_back({core.rank, core.core, core.is_finished ? "finished" : "waits",
                      core.is_finished ? "" : core.what, core.file, core.line});
    }
  } else if (const auto* failure = dynamic_cast<const KernelFailure*>(&error)) {
    ends.push_back({failure->rank(), failure->core(), "failed", failure->what_happened(),
                    failure->place().file, failure->place().line});
  }
  return {error.what(), std::move(report), std::move(ends)};
}

std::string FailedRun::packed() const {
  nlohmann::json json = {{"text", what()},
                         {"time_ps", report_.time_ps},
                         {"chip_instructions", report_.chip_instructions},
                         {"ranks", nlohmann::json::array()},
                         {"ends", nlohmann::json::array()}};
  for (const RankCounts& of : report_.ranks) {
    json["ranks"].push_back({of.puts, of.gets, of.notifies, of.waits, of.sent_bytes});
  }
  for (const RankEnd& of : ends_) {
    json["ends"].push_back({of.rank, of.core, of.end, of.what, of.file, of.line});
  }
  std::string bytes;
  nlohmann::json::to_cbor(json, bytes);
  return bytes;
}

FailedRun FailedRun::unpacked(const std::string& bytes) {
  const nlohmann::json json = nlohmann::json::from_cbor(bytes);
  RunReport report{.time_ps = json["time_ps"], .chip_instructions = json["chip_instructions"]};
  for (const nlohmann::json& of : json["ranks"]) {
    report.ranks.push_back({of[0], of[1], of[2], of[3], of[4]});
  }
  std::vector<RankEnd> ends;
  for (const nlohmann::json& of : json["ends"]) {
    ends.push_back({of[0], of[1], of[2], of[3], of[4], of[5]});
  }
  return {json["text"], std::move(report), std::move(ends)};
}

}  // namespace peal
