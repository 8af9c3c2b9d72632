// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/finding.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <system_error>

namespace peal {
namespace {

constexpr std::array<const char*, finding_class_count> names = {
    "crash",        "out_of_bounds", "deadlock",      "never_satisfied", "race",
    "lost_signal",  "line_clobber",  "stale_read",    "missing_flag",    "never_written",
    "missed_value", "vacuous_wait",  "flag_left_set", "event_reused",    "not_drained",
    "not_flushed",  "wrong_result",  "unread_bytes",  "unneeded_sync",   "unwaited_notify",
};

std::string describe(const FindingSide& side) {
  std::string text = fmt::format("rank {} core {}", side.rank, side.core);
  if (!side.pipe.empty()) text += " " + side.pipe;
  text += " " + side.what;
  if (!side.place.file.empty()) text += "   " + describe(side.place);
  return text;
}

}  // namespace

const char* name(FindingClass kind) { return names[static_cast<std::size_t>(kind)]; }

std::optional<FindingClass> find_finding_class(const std::string& text) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (text == names[i]) return static_cast<FindingClass>(i);
  }
  return std::nullopt;
}

std::string describe(const FindingLine& line) {
  std::error_code failed;
  const std::string folder = std::filesystem::current_path(failed).string() + "/";
  const bool is_below = !failed && line.file.starts_with(folder);
  return fmt::format("{}:{}", is_below ? line.file.substr(folder.size()) : line.file, line.line);
}

std::string describe(const Finding& finding) {
  std::string text = fmt::format("{}: {}", name(finding.kind), finding.subject);
  if (finding.count > 1) text += fmt::format("   ({} times)", finding.count);
  text += "\n";
  for (const FindingSide& side : finding.sides) text += "  " + describe(side) + "\n";
  if (!finding.reason.empty()) text += "  " + finding.reason + "\n";
  return text;
}

}  // namespace peal
