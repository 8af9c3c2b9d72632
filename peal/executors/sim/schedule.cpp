// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/schedule.h"

#include <fmt/format.h>

#include <charconv>

#include "peal/base/error.h"
#include "peal/executors/sim/schedule_random.h"
#include "peal/executors/sim/schedule_virtual_time.h"

namespace peal {

std::unique_ptr<Agenda> make_schedule(const std::string& text) {
  static constexpr std::string_view random = "random:";
  if (text == "virtual") return std::make_unique<ScheduleVirtualTime>();
  if (text.starts_with(random)) {
    std::uint64_t seed = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + random.size(), end, seed);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      return std::make_unique<ScheduleRandom>(seed);
    }
  }
  throw Error(fmt::format(
      "schedule `{}` is unknown; use `virtual`, or `random:S` with a seed S from 0 to 2^64 - 1",
      text));
}

}  // namespace peal
