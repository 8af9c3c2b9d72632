// SPDX-License-Identifier: Apache-2.0
#include "peal/run/deadlock.h"

#include <fmt/format.h>

#include <algorithm>

namespace peal {

std::string describe_wait(int arrivals, const std::string& signal, int missing) {
  return fmt::format("waits for {} arrivals at {}, {} of them are missing", arrivals, signal,
                     missing);
}

std::string describe_deadlock(const std::vector<StandingCore>& cores, int ranks,
                              std::size_t max_lines) {
  const auto waiting = std::count_if(cores.begin(), cores.end(),
                                     [](const StandingCore& core) { return !core.is_finished; });
  std::string text =
      fmt::format("deadlock: {} of {} ranks wait and nobody can wake them", waiting, ranks);
  for (std::size_t i = 0; i < std::min(cores.size(), max_lines); ++i) {
    const StandingCore& core = cores[i];
    text += fmt::format("\n  rank {} {}", core.rank, core.what);
    if (!core.is_finished) text += fmt::format("   {}:{}", core.file, core.line);
  }
  if (cores.size() > max_lines) {
    text += fmt::format("\n  and {} more ranks", cores.size() - max_lines);
  }
  return text;
}

}  // namespace peal
