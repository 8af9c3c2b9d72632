// SPDX-License-Identifier: Apache-2.0
#include "peal/search/isolated_run.h"

#include <string>
#include <utility>

#include "peal/base/process/watched_process.h"
#include "peal/search/place_recorder.h"

namespace peal {
namespace {

FindingLine line_of(const std::string& where) {
  const std::size_t colon = where.rfind(':');
  if (colon == std::string::npos) return {where, 0};
  const std::string number = where.substr(colon + 1);
  const bool is_number =
      !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) return {where, 0};
  return {where.substr(0, colon), static_cast<std::uint32_t>(std::stoul(number))};
}

}  // namespace

// Recording the current line costs time in each event, so the first attempt does without. Only if
// the process died and left no line does a second attempt record lines; runs are deterministic, so
// it ends at the same place. If it does not, its answer counts.
OneRun run_isolated(const std::function<OneRun(EventReader*)>& run, double blocked_seconds) {
  const auto answer = [&run](EventReader* reader) {
    return answer_or_error([&] { return packed(run(reader)); });
  };
  WatchedEnd end = run_watched([&] { return answer(nullptr); }, blocked_seconds);
  if (end.has_answered) return unpacked_run(answer_of(end));
  if (end.where.empty()) {
    PlaceRecorder recorder;
    WatchedEnd again = run_watched([&] { return answer(&recorder); }, blocked_seconds);
    if (again.has_answered) return unpacked_run(answer_of(again));
    end = std::move(again);
  }
  OneRun result;
  Finding finding{.kind = FindingClass::crash, .subject = end.what, .sides = {}, .reason = {}};
  if (end.rank >= 0) {
    finding.sides.push_back({end.rank, end.core, "", "was last here", line_of(end.where)});
  }
  result.findings.push_back(std::move(finding));
  result.instructions = 1;  // unknown, but not 0: the run was not empty
  return result;
}

}  // namespace peal
