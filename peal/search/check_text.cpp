// SPDX-License-Identifier: Apache-2.0
#include "peal/search/check_text.h"

#include <fmt/format.h>

namespace peal {

std::string again(const std::string& command, const CheckResult& result,
                  const CheckedFinding& found) {
  if (command.empty()) return {};
  std::string text = fmt::format("{} -n {}", command, result.ranks);
  if (found.schedule != "virtual") text += " --schedule " + found.schedule;
  if (is_advice(found.finding)) text += " --advice";
  return text;
}

std::string describe(const std::string& command, const CheckResult& result) {
  std::string text = fmt::format("{} rank{}\n", result.ranks, result.ranks == 1 ? "" : "s");
  for (const CheckedFinding& found : result.findings) {
    text += describe(found.finding);
    const std::string typed = again(command, result, found);
    text += typed.empty() ? "\n" : "again: " + typed + "\n\n";
  }
  if (result.has_grown) {
    text += "note: ranks do not hear of each other, so the checks kept all of the run in memory\n";
  }
  if (!result.is_clean()) return text + verdict(result) + "\n";
  if (result.instructions == 0) {
    text += "note: the kernel issues no instruction; is its body compiled away?\n";
  } else if (result.has_windows && result.window_accesses == 0 && result.ranks > 1) {
    text += "note: no rank accesses a window, so nothing between ranks was checked\n";
  }
  return text + verdict(result) + "\n";
}

}  // namespace peal
