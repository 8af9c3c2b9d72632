// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/finding.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace peal {
namespace {

constexpr std::array<const char*, finding_class_count> names = {
    "crash",
    "out_of_bounds",
    "deadlock",
    "never_satisfied",
    "race",
    "lost_signal",
    "line_clobber",
    "stale_read",
    "missing_flag",
    "never_written",
    "missed_value",
    "vacuous_wait",
    "flag_left_set",
    "event_reused",
    "not_drained",
    "not_flushed",
    "wrong_result",
    "unstable_result",
    "unread_bytes",
    "unneeded_sync",
    "unwaited_notify",
    "unwritten_window_read",
};

// The text of the line in the source file now, without its indentation; empty if it cannot be read.
std::string source_text(const FindingLine& line) {
  if (line.file.empty() || line.line == 0) return {};
  std::ifstream file(line.file);
  std::string text;
  for (std::uint32_t number = 0; number < line.line; ++number) {
    if (!std::getline(file, text)) return {};
  }
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  const std::size_t end = text.find_last_not_of(" \t\r");
  return text.substr(begin, end + 1 - begin);
}

std::string describe(const FindingSide& side, Quotation quotation, const RankNamer& name_of) {
  std::string text = fmt::format("{} core {}", name_of(side.rank), side.core);
  if (!side.pipe.empty()) text += " " + side.pipe;
  if (!side.what.empty() && side.place.file.empty() && side.call >= 0) text += ": the caller";
  text += " " + side.what;
  if (!side.place.file.empty()) text += "   " + describe(side.place);
  std::string when;
  const auto add = [&when](const std::string& part) { when += (when.empty() ? "" : ", ") + part; };
  if (side.call >= 0) add(fmt::format("call {}", side.call));
  if (side.step > 0) add(fmt::format("step {}", side.step));
  if (!side.task.empty()) add(side.task);
  if (!when.empty()) text += "  (" + when + ")";
  const std::string quoted = quotation == Quotation::none ? std::string() : source_text(side.place);
  if (!quoted.empty()) text += "\n    | " + quoted;
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

std::string rank_name(int rank) { return fmt::format("rank {}", rank); }

std::string describe(const FindingLine& line) {
  std::error_code failed;
  const std::string folder = std::filesystem::current_path(failed).string() + "/";
  const bool is_below = !failed && line.file.starts_with(folder);
  return fmt::format("{}:{}", is_below ? line.file.substr(folder.size()) : line.file, line.line);
}

std::string describe(const Finding& finding, Quotation quotation, const RankNamer& name_of) {
  std::string text = fmt::format("{}: {}", name(finding.kind), finding.subject);
  if (finding.count > 1) text += fmt::format("   ({} times)", finding.count);
  text += "\n";
  for (const FindingSide& side : finding.sides)
    text += "  " + describe(side, quotation, name_of) + "\n";
  if (!finding.reason.empty()) text += "  " + finding.reason + "\n";
  return text;
}

}  // namespace peal
