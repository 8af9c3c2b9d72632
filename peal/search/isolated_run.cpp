// SPDX-License-Identifier: Apache-2.0
#include "peal/search/isolated_run.h"

#include <exception>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peal/base/cache_folder.h"
#include "peal/base/error.h"
#include "peal/base/last_words.h"
#include "peal/base/watched_process.h"

namespace peal {
namespace {

// What the first byte of an answer says it is.
constexpr char a_run = 'r', a_mistake = 'm', a_quotation = 'q', no_memory = 'n', a_defect = 'd';

std::string answer(const std::function<OneRun(EventReader*)>& run, EventReader* reader) {
  try {
    return a_run + packed(run(reader));
  } catch (const QuotedError& error) {
    return a_quotation + std::string(error.what());
  } catch (const Error& error) {
    return a_mistake + std::string(error.what());
  } catch (const std::bad_alloc&) {
    return std::string(1, no_memory);
  } catch (const std::exception& error) {
    return a_defect + std::string(error.what());
  }
}

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

OneRun run_of(const WatchedEnd& end) {
  if (end.answer.empty()) throw Error("a run of the kernel has given no answer; run it again");
  const std::string text = end.answer.substr(1);
  switch (end.answer.front()) {
    case a_run:
      return unpacked_run(text);
    case no_memory:
      throw std::bad_alloc();
    case a_mistake:
      throw Error(text);
    case a_quotation:
      throw QuotedError(text);
    default:
      throw std::runtime_error(text);
  }
}

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
  // A folder of this process alone is for all that it forks, and goes with it.
  if (!cache_folder()) static_cast<void>(made_cache_folder());
  WatchedEnd end = run_watched([&run] { return answer(run, nullptr); }, blocked_seconds);
  if (end.has_answered) return run_of(end);
  // A run is the same each time, so where it was can be found out afterwards.
  if (end.where.empty()) {
    PlaceKeeper keeper;
    WatchedEnd again = run_watched([&] { return answer(run, &keeper); }, blocked_seconds);
    if (again.has_answered) return run_of(again);
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
