// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/schedule/schedule.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "peal/base/error.h"
#include "peal/executors/sim/schedule/few_preemptions.h"
#include "peal/executors/sim/schedule/random.h"
#include "peal/executors/sim/schedule/replay.h"
#include "peal/executors/sim/schedule/virtual_time.h"

namespace peal {
namespace {

std::optional<std::uint64_t> seed_after(std::string_view prefix, const std::string& text) {
  if (!text.starts_with(prefix)) return std::nullopt;
  std::uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + prefix.size(), end, seed);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return seed;
}

}  // namespace

static std::unique_ptr<Agenda> schedule_named(const std::string& text) {
  if (text == "virtual") return std::make_unique<ScheduleVirtualTime>();
  if (const auto seed = seed_after("random:", text)) {
    return std::make_unique<ScheduleRandom>(*seed);
  }
  if (const auto seed = seed_after("pct:", text)) {
    return std::make_unique<ScheduleFewPreemptions>(*seed);
  }
  std::error_code failed;
  if (std::filesystem::is_regular_file(text, failed)) return std::make_unique<ScheduleReplay>(text);
  throw UsageError(fmt::format(
      "schedule `{}` is unknown; use `virtual`, `random:S` or `pct:S` with a seed S from 0 to "
      "2^64 - 1, or a file of --save-schedule",
      text));
}

std::unique_ptr<Agenda> make_schedule(const std::string& text, const std::string& record) {
  std::unique_ptr<Agenda> schedule = schedule_named(text);
  if (record.empty()) return schedule;
  return std::make_unique<ScheduleRecorder>(std::move(schedule), record);
}

}  // namespace peal
