// SPDX-License-Identifier: Apache-2.0
// The text of the source tree is under test: licence lines, lengths, words, names.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/source_tree.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

bool is_source(const std::string& path) {
  return is_cpp(path) || has_extension(path, {".cmake", ".sh", ".py"}) ||
         path.ends_with("CMakeLists.txt");
}

StyleFindings licence_findings(const SourceFile& file) {
  const std::string name = fs::path(file.path).filename();
  const bool needed = is_source(file.path) || has_extension(file.path, {".toml", ".in"}) ||
                      name == "Makefile" || file.path == ".ci/run";
  if (!needed) return {};
  const std::vector<std::string> lines = lines_of(file.text);
  for (std::size_t i = 0; i < std::min<std::size_t>(2, lines.size()); ++i) {
    if (lines[i].ends_with(" SPDX-License-Identifier: Apache-2.0")) return {};
  }
  return {fmt::format("{}: neither of the first two lines is the SPDX line", file.path)};
}

StyleFindings line_findings(const SourceFile& file) {
  StyleFindings findings;
  if (!is_source(file.path)) return findings;
  const std::vector<std::string> lines = lines_of(file.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t columns = columns_of(lines[i]);
    const auto add = [&](const std::string& what) {
      findings.push_back(fmt::format("{}:{}: {}", file.path, i + 1, what));
    };
    if (columns > 100 && lines[i].find("https://") == std::string::npos) {
      add(fmt::format("the line has {} columns, the limit is 100", columns));
    }
    if (lines[i].find('\t') != std::string::npos) add("the line has a tab");
    if (lines[i].ends_with(' ')) add("the line ends in a space");
  }
  const bool is_kernel = file.path.starts_with("peal/kernels/") && file.path.ends_with(".cpp");
  const std::size_t limit = is_kernel ? 80 : 500;
  if (lines.size() > limit) {
    findings.push_back(
        fmt::format("{}: {} lines, the limit is {}", file.path, lines.size(), limit));
  }
  return findings;
}

StyleFindings word_findings(const SourceFile& file) {
  StyleFindings findings;
  // Written in two halves, so that this file does not contain them.
  for (const char* word : {"TO"
                           "DO",
                           "FIX"
                           "ME",
                           "X"
                           "XX",
                           "HA"
                           "CK"}) {
    if (contains_word(file.text, word)) {
      findings.push_back(fmt::format("{}: the word {} has no place here", file.path, word));
    }
  }
  const Names banned = {"common", "helper", "helpers", "impl", "misc", "util", "utils"};
  for (const std::string& part : parts_of(fs::path(file.path).stem(), '_')) {
    if (banned.contains(part)) {
      findings.push_back(
          fmt::format("{}: a name with `{}` does not say what the file is about", file.path, part));
    }
  }
  return findings;
}

// Words of the project's past, each with the field's term that stands in its place.
const std::map<std::string, std::string, std::less<>> replaced_names = {
    {"Places", "RankViews"},
    {"Given", "CallArguments"},
    {"look_into", "resolve_call"},
    {"KnownCall", "ResolvedCall"},
    {"has_called", "after_call"},
    {"Traffic", "TransferHint"},
    {"ledger", "owner_state"},
    {"SignalLedger", "SignalOwnerState"},
    {"orders_posts", "uses_membarrier"},
    {"poster", "single_writer"},
    {"keeper", "supervisor"},
    {"recipe", "descriptor"},
    {"Recipe", "ProgramDescriptor"},
    {"keep_to_itself", "exclude_from_fork"},
    {"break_off", "abort"},
    {"take_pages", "prefault"},
    {"line_probe", "latency_probe"},
    {"far_lines", "lacks_shared_cache"},
    {"Meeting", "AddressExchange"},
    {"told_distance", "peer_offset"},
    {"unless_few", "packets_or"},
    {"suits_packets", "prefers_packets"},
    {"Standstill", "Deadlock"},
    {"standstill", "deadlock"},
    {"TileFreer", "TileRelease"},
    {"rouse", "wake"}};

StyleFindings name_findings(const SourceFile& file) {
  StyleFindings findings;
  if (!is_cpp(file.path) || file.path == "tests/project/style_test.cpp") return findings;
  for (const auto& [name, instead] : replaced_names) {
    if (contains_word(file.text, name)) {
      findings.push_back(fmt::format("{}: say `{}` instead of `{}`", file.path, instead, name));
    }
  }
  for (const char* prefix : {"most_", "least_"}) {
    for (std::size_t at = file.text.find(prefix); at != file.text.npos;
         at = file.text.find(prefix, at + 1)) {
      if (at > 0 && (std::isalnum(static_cast<unsigned char>(file.text[at - 1])) ||
                     file.text[at - 1] == '_')) {
        continue;
      }
      findings.push_back(
          fmt::format("{}: `{}...`: say max_ or min_", file.path, file.text.substr(at, 20)));
    }
  }
  return findings;
}

// Lines of prose; tables, code and what has a link in it may be longer.
StyleFindings prose_findings(const SourceFile& file) {
  StyleFindings findings;
  if (!file.path.ends_with(".md")) return findings;
  bool is_code = false;
  const std::vector<std::string> lines = lines_of(file.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t first = lines[i].find_first_not_of(' ');
    const std::string_view line =
        first == std::string::npos ? std::string_view() : std::string_view(lines[i]).substr(first);
    if (line.starts_with("```")) is_code = !is_code;
    if (is_code || line.starts_with("|") || line.find("](") != line.npos) continue;
    const std::size_t columns = columns_of(lines[i]);
    if (columns <= 100) continue;
    findings.push_back(
        fmt::format("{}:{}: prose of {} columns, the limit is 100", file.path, i + 1, columns));
  }
  return findings;
}

TEST(Style, TheTreeIsFound) { EXPECT_TRUE(source_paths().contains("CMakeLists.txt")); }

TEST(Style, EveryFileNamesItsLicence) {
  for (const SourceFile& file : source_tree()) report(licence_findings(file));
}

TEST(Style, LinesAndFilesAreShort) {
  for (const SourceFile& file : source_tree()) report(line_findings(file));
}

TEST(Style, WordsAndNamesSaySomething) {
  for (const SourceFile& file : source_tree()) report(word_findings(file));
}

TEST(Style, NamesAreTheFields) {
  for (const SourceFile& file : source_tree()) report(name_findings(file));
}

TEST(Style, ProseIsNarrow) {
  for (const SourceFile& file : source_tree()) report(prose_findings(file));
}

TEST(StyleRules, LicencesLinesAndWordsAreSeen) {
  EXPECT_EQ(licence_findings({"a.h", "x\ny\n// SPDX-License-Identifier: Apache-2.0\n"}).size(), 1u);
  EXPECT_EQ(licence_findings({"a.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"}),
            StyleFindings{});
  EXPECT_EQ(line_findings({"a.h", std::string(101, 'x')}).size(), 1u);
  EXPECT_EQ(line_findings({"a.h", std::string(100, 'x')}), StyleFindings{});
  EXPECT_EQ(line_findings({"a.h", "\tx \n"}).size(), 2u);
  EXPECT_EQ(line_findings({"peal/kernels/a.cpp", std::string(81, '\n')}).size(), 1u);
  EXPECT_EQ(line_findings({"peal/chip/a.cpp", std::string(501, '\n')}).size(), 1u);
  EXPECT_EQ(word_findings({"a.md",
                           "first, a TO"
                           "DO: x"})
                .size(),
            1u);
  EXPECT_EQ(word_findings({"a.cpp",
                           "mkdtemp(\"XX"
                           "XX\")"}),
            StyleFindings{});
  EXPECT_EQ(word_findings({"peal/base/string_utils.h", ""}).size(), 1u);
}

TEST(StyleRules, NamesAndProseAreSeen) {
  EXPECT_EQ(name_findings({"peal/a.h", "int keeper = 0;"}),
            StyleFindings{"peal/a.h: say `supervisor` instead of `keeper`"});
  EXPECT_EQ(name_findings({"cli/a.h", "int most_ranks = almost_all;"}).size(), 1u);
  EXPECT_EQ(name_findings({"cli/a.h", "int book_keeper = 0, keepers = 0;"}), StyleFindings{});
  const std::string wide(101, 'x');
  EXPECT_EQ(prose_findings({"a.md", wide}).size(), 1u);
  EXPECT_EQ(prose_findings({"a.md", "```\n" + wide + "\n```\n| " + wide + " |\n"}),
            StyleFindings{});
}

}  // namespace
}  // namespace peal
