// SPDX-License-Identifier: Apache-2.0
// Where things lie is under test: which folder may include which, how much a folder holds, headers.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/source_tree.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// Which folders of the library a folder may include, besides itself. Executors are apart from each
// other, and `launch` is the lowest folder that may name one.
const std::map<std::string, Names, std::less<>> layers = {
    {"base", {}},
    {"machine", {"base"}},
    {"run", {"machine", "base"}},
    {"kernels", {"machine", "base"}},
    {"reference", {"machine", "base"}},
    {"chip", {"run", "machine", "base"}},
    {"checks", {"run", "machine", "base"}},
    {"cost", {"run", "machine", "base"}},
    {"cases", {"reference", "run", "machine", "base"}},
    {"pto", {"cases", "chip", "run", "machine", "base"}},
    {"executors", {"chip", "run", "machine", "base"}},
    {"search", {"checks", "run", "machine", "base"}},
    {"collectives", {"kernels", "cost", "run", "machine", "base"}},
    {"runtime", {"collectives", "run", "machine", "base"}},
    {"launch",
     {"runtime", "collectives", "search", "executors", "pto", "cases", "cost", "checks", "chip",
      "reference", "kernels", "run", "machine", "base"}},
    {"tools",
     {"launch", "runtime", "collectives", "search", "executors", "pto", "cases", "cost", "checks",
      "chip", "reference", "kernels", "run", "machine", "base"}},
};

// "machine" of peal/machine/device.h, "executors/sim" of peal/executors/sim/fiber.h, "" of
// peal/x.h.
std::string layer_of(const std::string& path) {
  const std::vector<std::string> parts = parts_of(path, '/');
  if (parts.size() < 3) return "";
  return parts[1] == "executors" && parts.size() > 3 ? parts[1] + "/" + parts[2] : parts[1];
}

StyleFindings layer_findings(const SourceFile& file) {
  StyleFindings findings;
  if (!file.path.starts_with("peal/")) return findings;
  const std::string from = layer_of(file.path);
  if (from.empty()) return findings;
  const auto row = layers.find(from.substr(0, from.find('/')));
  if (row == layers.end()) {
    return {fmt::format("{}: folder `{}` has no row in the table of layers", file.path, from)};
  }
  for (const std::string& include : includes_of(file.text)) {
    const bool outside = include.starts_with("cli/") || include.starts_with("tests/") ||
                         include.starts_with("bench/");
    if (!outside && !include.starts_with("peal/")) continue;
    const std::string to = layer_of(include);
    if (!outside && (to == from || row->second.contains(to.substr(0, to.find('/'))))) continue;
    findings.push_back(fmt::format("{} includes {}: {} may include only itself, {}", file.path,
                                   include, from, fmt::join(row->second, ", ")));
  }
  return findings;
}

// A folder of the library or the command line holds about a dozen concepts: a header and its source
// are one. Algorithms are as many as there are.
StyleFindings folder_findings(const Names& paths) {
  constexpr std::size_t max_concepts = 16;
  std::map<std::string, Names> folders;
  for (const std::string& path : paths) {
    if (!path.starts_with("peal/") && !path.starts_with("cli/")) continue;
    const fs::path file = path;
    const std::string name = file.filename();
    folders[file.parent_path()].insert(name.substr(0, name.find('.')));
  }
  StyleFindings findings;
  for (const auto& [folder, concepts] : folders) {
    if (folder == "peal/kernels" || concepts.size() <= max_concepts) continue;
    findings.push_back(fmt::format("{}: {} concepts in one folder, the limit is {}", folder,
                                   concepts.size(), max_concepts));
  }
  return findings;
}

StyleFindings header_findings(const SourceFile& file, const Names& paths) {
  if (is_header(file.path)) {
    if (file.text.find("\n#pragma once\n") != std::string::npos) return {};
    return {fmt::format("{}: #pragma once is missing", file.path)};
  }
  const bool compiled = file.path.starts_with("peal/") || file.path.starts_with("cli/");
  if (!compiled || !is_cpp(file.path) || file.path == "cli/main.cpp") return {};
  const std::vector<std::string> includes = includes_of(file.text);
  const std::string own = fs::path(file.path).replace_extension(".h");
  const std::string first = includes.empty() ? "nothing" : includes.front();
  // One of several sources behind a header includes that header, which lies in its folder.
  const bool has_own = paths.contains(own);
  const bool fits =
      has_own ? first == own : std::any_of(includes.begin(), includes.end(), [&](const auto& name) {
        return fs::path(name).parent_path() == fs::path(file.path).parent_path();
      });
  if (fits) return {};
  return {
      fmt::format("{}: the first include is {}, it must be the header that declares what is here",
                  file.path, first)};
}

// True if a source names the header in a compiler's command, behind -include.
bool is_included_by_command(const SourceFiles& files, const std::string& header) {
  const std::string name = fs::path(header).filename().string();
  return std::any_of(files.begin(), files.end(), [&](const SourceFile& file) {
    return is_cpp(file.path) && file.text.find("\"-include\"") != std::string::npos &&
           file.text.find(name) != std::string::npos;
  });
}

// Headers of the library and the command line that no file but their own source includes.
StyleFindings dead_headers(const SourceFiles& files) {
  Names included;
  for (const SourceFile& file : files) {
    if (!is_cpp(file.path)) continue;
    for (const std::string& include : includes_of(file.text)) {
      if (fs::path(include).stem() == fs::path(file.path).stem() &&
          fs::path(file.path).parent_path() == fs::path(include).parent_path()) {
        continue;
      }
      included.insert(include);
    }
  }
  StyleFindings findings;
  for (const SourceFile& file : files) {
    const bool ours = file.path.starts_with("peal/") || file.path.starts_with("cli/");
    if (!ours || !is_header(file.path)) continue;
    // A header below an include folder of its own is named by the end of its path.
    const bool alive = std::any_of(included.begin(), included.end(), [&](const std::string& name) {
      return file.path == name || file.path.ends_with("/" + name);
    });
    if (alive || is_included_by_command(files, file.path)) continue;
    findings.push_back(fmt::format("{}: nobody includes this header", file.path));
  }
  return findings;
}

TEST(Layout, LayersAreKept) {
  for (const SourceFile& file : source_tree()) report(layer_findings(file));
}

// The header to read first in each folder, by docs/architecture.md's tables.
std::map<std::string, std::string> entry_headers() {
  const auto quoted = [](const std::string& cell) {
    const std::vector<std::string> parts = parts_of(cell, '`');
    return parts.size() < 2 ? std::string() : parts[1];
  };
  std::map<std::string, std::string> result;
  for (const std::string& line : lines_of(source_text("docs/architecture.md"))) {
    const std::vector<std::string> cells = parts_of(line, '|');
    if (!line.starts_with("| ") || cells.size() < 5) continue;
    result[quoted(cells[2])] = quoted(cells[4]);
  }
  return result;
}

TEST(Layout, EveryFolderSaysWhatToReadFirst) {
  const std::map<std::string, std::string> entries = entry_headers();
  for (const std::string& path : source_paths()) {
    if ((!path.starts_with("peal/") && !path.starts_with("cli/")) || !is_header(path)) continue;
    std::string folder = fs::path(path).parent_path();
    // The public headers, and the layout of the ISA.
    if (folder == "peal" || folder.starts_with("peal/pto/include/")) continue;
    const auto entry = entries.find(folder);
    if (entry == entries.end()) {
      ADD_FAILURE() << folder << " has no row in docs/architecture.md";
    } else {
      EXPECT_TRUE(source_paths().contains(folder + "/" + entry->second))
          << folder << ": docs/architecture.md says to read `" << entry->second << "` first";
    }
  }
}

TEST(Layout, FoldersHoldAtMost16Concepts) { report(folder_findings(source_paths())); }

TEST(Layout, HeadersComeOnceAndFirst) {
  for (const SourceFile& file : source_tree()) report(header_findings(file, source_paths()));
}

TEST(Layout, NoHeaderIsDead) { report(dead_headers(source_tree())); }

TEST(LayoutRules, ALayerMayIncludeOnlyWhatIsBelow) {
  const auto findings = [](const char* path, const std::string& include) {
    return layer_findings({path, "// x\n#include <map>\n#include \"" + include + "\"\n"});
  };
  EXPECT_EQ(findings("peal/machine/device.h", "peal/chip/core/core.h"),
            StyleFindings{
                "peal/machine/device.h includes peal/chip/core/core.h: machine may include only "
                "itself, base"});
  EXPECT_EQ(findings("peal/executors/sim/run.cpp", "peal/executors/shm/run.h").size(), 1u);
  EXPECT_EQ(findings("peal/executors/sim/run.cpp", "peal/kernels/args.h").size(), 1u);
  EXPECT_EQ(findings("peal/checks/race.cpp", "peal/executors/sim/run.h").size(), 1u);
  EXPECT_EQ(findings("peal/runtime/worker.cpp", "peal/launch/launch.h").size(), 1u);
  EXPECT_EQ(findings("peal/launch/launch.cpp", "peal/tools/files/npy.h").size(), 1u);
  EXPECT_EQ(findings("peal/launch/launch.cpp", "peal/peal.h").size(), 1u);
  EXPECT_EQ(findings("peal/odds/ends.h", "peal/base/error.h").size(), 1u);
  EXPECT_EQ(findings("peal/executors/sim/run.cpp", "peal/executors/sim/fiber.h"), StyleFindings{});
  EXPECT_EQ(findings("peal/executors/sim/run.cpp", "peal/chip/core/core.h"), StyleFindings{});
  EXPECT_EQ(findings("peal/launch/launch.cpp", "peal/executors/sim/run.h"), StyleFindings{});
  EXPECT_EQ(findings("peal/peal.h", "peal/launch/launch.h"), StyleFindings{});
  EXPECT_EQ(findings("cli/run.cpp", "peal/executors/sim/run.h"), StyleFindings{});
}

TEST(LayoutRules, FoldersAreCounted) {
  Names paths;
  for (int i = 0; i < 16; ++i) {
    paths.insert(fmt::format("peal/a/b{}.h", i));
    paths.insert(fmt::format("peal/a/b{}.cpp", i));
  }
  EXPECT_EQ(folder_findings(paths), StyleFindings{});
  paths.insert("peal/a/c.cpp");
  EXPECT_EQ(folder_findings(paths),
            StyleFindings{"peal/a: 17 concepts in one folder, the limit is 16"});
}

TEST(LayoutRules, HeadersAreSeen) {
  const Names paths = {"peal/base/a.h", "peal/base/a.cpp"};
  EXPECT_EQ(header_findings({"peal/base/a.h", "// x\nint a;\n"}, paths).size(), 1u);
  EXPECT_EQ(header_findings({"peal/base/a.cpp", "#include <map>\n"}, paths).size(), 1u);
  EXPECT_EQ(header_findings({"peal/base/a.cpp", "#include \"peal/base/b.h\"\n"}, paths).size(), 1u);
  EXPECT_EQ(header_findings({"peal/base/c.cpp", "#include \"peal/base/a.h\"\n"}, paths),
            StyleFindings{});
  EXPECT_EQ(dead_headers({{"peal/base/a.h", ""},
                          {"peal/base/a.cpp", "#include \"peal/base/a.h\"\n"},
                          {"peal/pto/include/pto/b.hpp", ""},
                          {"peal/pto/include/c.hpp", ""},
                          {"peal/pto/c.cpp", "add({\"-include\", \"c.hpp\"});\n"},
                          {"tests/b.cpp", "#include <pto/b.hpp>\n"}}),
            StyleFindings{"peal/base/a.h: nobody includes this header"});
}

}  // namespace
}  // namespace peal
