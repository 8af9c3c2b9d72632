// SPDX-License-Identifier: Apache-2.0
#include "peal/search/isolated_run.h"

#include <utility>

#include "peal/base/process/watched_process.h"
#include "peal/search/place_recorder.h"

namespace peal {
namespace {

// Without a source file, the address takes its place.
FindingLine line_of(const FailurePlace& place) {
  return {place.file.empty() ? describe(place) : place.file, place.line};
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
  if (!end.place.is_known()) {
    PlaceRecorder recorder;
    WatchedEnd again = run_watched([&] { return answer(&recorder); }, blocked_seconds);
    if (again.has_answered) return unpacked_run(answer_of(again));
    end = std::move(again);
  }
  OneRun result;
  Finding finding{.kind = FindingClass::crash, .subject = end.what, .sides = {}, .reason = {}};
  if (end.rank >= 0) {
    finding.sides.push_back({end.rank, end.core, "", "was last here", line_of(end.place)});
  }
  result.findings.push_back(std::move(finding));
  result.instructions = 1;  // unknown, but not 0: the run was not empty
  return result;
}

}  // namespace peal
