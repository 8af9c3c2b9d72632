// SPDX-License-Identifier: Apache-2.0
#include "peal/search/isolated_run.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peal/base/last_words.h"
#include "peal/base/watched_process.h"

namespace peal {
namespace {

// Keeps in the last words where the run is.
class PlaceKeeper final : public EventReader {
 public:
  void read(const Event& event) override {
    LastWords* const words = last_words();
    if (words == nullptr) return;
    if (event.kind == EventKind::region) {
      if (event.region == RegionKind::on_chip) numbers_.push_back(cores_of_rank_[event.rank]++);
      return;
    }
    const std::string_view file = event.place.file == nullptr ? "" : event.place.file;
    const bool is_kernels = !file.empty() && !file.starts_with("peal/");
    const std::string where =
        is_kernels ? std::string(file) + ":" + std::to_string(event.place.line) : std::string();
    // Between its beginning and its first instruction a kernel has no line.
    const auto core = static_cast<std::size_t>(event.core);
    say_last(words->place, event.rank, core < numbers_.size() ? numbers_[core] : 0, "", where);
  }

 private:
  std::vector<int> numbers_;  // of each core of the run, within its rank
  std::map<int, int> cores_of_rank_;
};

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

OneRun run_isolated(const std::function<OneRun(EventReader*)>& run, double blocked_seconds) {
  const auto answer = [&run](EventReader* reader) {
    return answer_or_error([&] { return packed(run(reader)); });
  };
  WatchedEnd end = run_watched([&] { return answer(nullptr); }, blocked_seconds);
  if (end.has_answered) return unpacked_run(answer_of(end));
  // A run is the same each time, so where it was can be found out afterwards.
  if (end.where.empty()) {
    PlaceKeeper keeper;
    WatchedEnd again = run_watched([&] { return answer(&keeper); }, blocked_seconds);
    if (again.has_answered) return unpacked_run(answer_of(again));
    end = std::move(again);
  }
  OneRun result;
  Finding finding{.kind = FindingClass::crash, .subject = end.what, .sides = {}, .reason = {}};
  if (end.rank >= 0) {
    finding.sides.push_back({end.rank, end.core, "", "was last here", line_of(end.where)});
  }
  result.findings.push_back(std::move(finding));
  result.instructions = 1;  // it has done something
  return result;
}

}  // namespace peal
