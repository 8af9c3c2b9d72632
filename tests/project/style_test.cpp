// SPDX-License-Identifier: Apache-2.0
// The source tree itself is under test: layers, licence lines, lengths, words, dead files.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace peal {
namespace {

namespace fs = std::filesystem;

struct File {
  std::string path;
  std::string text;
};
using Files = std::vector<File>;
using Findings = std::vector<std::string>;
using Names = std::set<std::string, std::less<>>;

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

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool has_extension(const std::string& path, const Names& extensions) {
  return extensions.contains(fs::path(path).extension().string());
}

bool is_header(const std::string& path) { return has_extension(path, {".h", ".hpp"}); }
bool is_cpp(const std::string& path) { return is_header(path) || has_extension(path, {".cpp"}); }
bool is_source(const std::string& path) {
  return is_cpp(path) || has_extension(path, {".cmake", ".sh", ".py"}) ||
         path.ends_with("CMakeLists.txt");
}

// What stands between the quotes or angle brackets of every #include, in order.
std::vector<std::string> includes_of(const std::string& text) {
  std::vector<std::string> result;
  for (const std::string& line : lines_of(text)) {
    if (!line.starts_with("#include ")) continue;
    const std::size_t begin = line.find_first_of("\"<");
    const std::size_t end = line.find_first_of("\">", begin + 1);
    if (end != std::string::npos) result.push_back(line.substr(begin + 1, end - begin - 1));
  }
  return result;
}

// "machine" of peal/machine/device.h, "executors/sim" of peal/executors/sim/fiber.h, "" of
// peal/x.h.
std::string layer_of(const std::string& path) {
  const std::vector<std::string> parts = parts_of(path, '/');
  if (parts.size() < 3) return "";
  return parts[1] == "executors" && parts.size() > 3 ? parts[1] + "/" + parts[2] : parts[1];
}

Findings layer_findings(const File& file) {
  Findings findings;
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

Findings licence_findings(const File& file) {
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

Findings line_findings(const File& file) {
  Findings findings;
  if (!is_source(file.path)) return findings;
  const std::vector<std::string> lines = lines_of(file.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // Bytes that continue a UTF-8 character take no column.
    const auto columns =
        std::count_if(lines[i].begin(), lines[i].end(), [](char c) { return (c & 0xc0) != 0x80; });
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

bool contains_word(std::string_view text, std::string_view word) {
  const auto in_word = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    if ((at == 0 || !in_word(at - 1)) && !in_word(at + word.size())) return true;
  }
  return false;
}

Findings word_findings(const File& file) {
  Findings findings;
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

Findings header_findings(const File& file, const Names& paths) {
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

// Headers of the library and the command line that no file but their own source includes.
Findings dead_headers(const Files& files) {
  Names included;
  for (const File& file : files) {
    if (!is_cpp(file.path)) continue;
    for (const std::string& include : includes_of(file.text)) {
      if (fs::path(include).stem() == fs::path(file.path).stem() &&
          fs::path(file.path).parent_path() == fs::path(include).parent_path()) {
        continue;
      }
      included.insert(include);
    }
  }
  Findings findings;
  for (const File& file : files) {
    const bool ours = file.path.starts_with("peal/") || file.path.starts_with("cli/");
    if (!ours || !is_header(file.path)) continue;
    // A header below an include folder of its own is named by the end of its path.
    const bool alive = std::any_of(included.begin(), included.end(), [&](const std::string& name) {
      return file.path == name || file.path.ends_with("/" + name);
    });
    if (!alive) findings.push_back(fmt::format("{}: nobody includes this header", file.path));
  }
  return findings;
}

std::vector<std::string> tracked_paths() {
  std::vector<std::string> paths;
  const std::string command = "git -C '" PEAL_SOURCE_DIR "' ls-files 2>/dev/null";
  const auto close = [](std::FILE* pipe) { ::pclose(pipe); };
  const std::unique_ptr<std::FILE, decltype(close)> pipe(::popen(command.c_str(), "r"), close);
  std::string output;
  for (int c = 0; pipe && (c = std::fgetc(pipe.get())) != EOF;) output += static_cast<char>(c);
  return lines_of(output);
}

// Relative paths of all files, without what is built and what begins with a dot.
std::vector<std::string> found_paths() {
  std::vector<std::string> paths;
  const fs::path root = PEAL_SOURCE_DIR;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::end(entry); ++entry) {
    const std::string name = entry->path().filename();
    if (entry->is_directory() && (name.starts_with(".") || name.starts_with("build"))) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      paths.push_back(entry->path().lexically_relative(root));
    }
  }
  return paths;
}

Files source_tree() {
  std::vector<std::string> paths;
  if (fs::exists(PEAL_SOURCE_DIR "/.git")) paths = tracked_paths();
  if (paths.empty()) paths = found_paths();
  Files files;
  for (const std::string& path : paths) {
    std::ifstream stream(PEAL_SOURCE_DIR "/" + path, std::ios::binary);
    if (stream) files.push_back({path, std::string(std::istreambuf_iterator<char>(stream), {})});
  }
  return files;
}

class Style : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const File& file : files()) paths().insert(file.path);
  }
  static const Files& files() {
    static const Files result = source_tree();
    return result;
  }
  static Names& paths() {
    static Names result;
    return result;
  }
  static void report(const Findings& findings) {
    for (const std::string& finding : findings) ADD_FAILURE() << finding;
  }
};

TEST_F(Style, TheTreeIsFound) { EXPECT_TRUE(paths().contains("CMakeLists.txt")); }

TEST_F(Style, LayersAreKept) {
  for (const File& file : files()) report(layer_findings(file));
}

TEST_F(Style, EveryFileNamesItsLicence) {
  for (const File& file : files()) report(licence_findings(file));
}

TEST_F(Style, LinesAndFilesAreShort) {
  for (const File& file : files()) report(line_findings(file));
}

TEST_F(Style, WordsAndNamesSaySomething) {
  for (const File& file : files()) report(word_findings(file));
}

TEST_F(Style, HeadersComeOnceAndFirst) {
  for (const File& file : files()) report(header_findings(file, paths()));
}

TEST_F(Style, NoHeaderIsDead) { report(dead_headers(files())); }

TEST(StyleRules, ALayerMayIncludeOnlyWhatIsBelow) {
  const auto findings = [](const char* path, const std::string& include) {
    return layer_findings({path, "// x\n#include <map>\n#include \"" + include + "\"\n"});
  };
  EXPECT_EQ(findings("peal/machine/device.h", "peal/chip/core.h"),
            Findings{"peal/machine/device.h includes peal/chip/core.h: machine may include only "
                     "itself, base"});
  EXPECT_EQ(findings("peal/executors/sim/run.cpp", "peal/executors/shm/run.h").size(), 1u);
  EXPECT_EQ(findings("peal/executors/sim/run.cpp", "peal/kernels/args.h").size(), 1u);
  EXPECT_EQ(findings("peal/checks/race.cpp", "peal/executors/sim/run.h").size(), 1u);
  EXPECT_EQ(findings("peal/runtime/worker.cpp", "peal/launch/launch.h").size(), 1u);
  EXPECT_EQ(findings("peal/launch/launch.cpp", "peal/tools/files/npy.h").size(), 1u);
  EXPECT_EQ(findings("peal/launch/launch.cpp", "peal/peal.h").size(), 1u);
  EXPECT_EQ(findings("peal/odds/ends.h", "peal/base/error.h").size(), 1u);
  EXPECT_EQ(findings("peal/executors/sim/run.cpp", "peal/executors/sim/fiber.h"), Findings{});
  EXPECT_EQ(findings("peal/executors/sim/run.cpp", "peal/chip/core.h"), Findings{});
  EXPECT_EQ(findings("peal/launch/launch.cpp", "peal/executors/sim/run.h"), Findings{});
  EXPECT_EQ(findings("peal/peal.h", "peal/launch/launch.h"), Findings{});
  EXPECT_EQ(findings("cli/run.cpp", "peal/executors/sim/run.h"), Findings{});
}

TEST(StyleRules, LicencesLinesAndWordsAreSeen) {
  EXPECT_EQ(licence_findings({"a.h", "x\ny\n// SPDX-License-Identifier: Apache-2.0\n"}).size(), 1u);
  EXPECT_EQ(licence_findings({"a.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"}),
            Findings{});
  EXPECT_EQ(line_findings({"a.h", std::string(101, 'x')}).size(), 1u);
  EXPECT_EQ(line_findings({"a.h", std::string(100, 'x')}), Findings{});
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
            Findings{});
  EXPECT_EQ(word_findings({"peal/base/string_utils.h", ""}).size(), 1u);
}

TEST(StyleRules, HeadersAreSeen) {
  const Names paths = {"peal/base/a.h", "peal/base/a.cpp"};
  EXPECT_EQ(header_findings({"peal/base/a.h", "// x\nint a;\n"}, paths).size(), 1u);
  EXPECT_EQ(header_findings({"peal/base/a.cpp", "#include <map>\n"}, paths).size(), 1u);
  EXPECT_EQ(header_findings({"peal/base/a.cpp", "#include \"peal/base/b.h\"\n"}, paths).size(), 1u);
  EXPECT_EQ(header_findings({"peal/base/c.cpp", "#include \"peal/base/a.h\"\n"}, paths),
            Findings{});
  EXPECT_EQ(dead_headers({{"peal/base/a.h", ""},
                          {"peal/base/a.cpp", "#include \"peal/base/a.h\"\n"},
                          {"peal/pto/include/pto/b.hpp", ""},
                          {"tests/b.cpp", "#include <pto/b.hpp>\n"}}),
            Findings{"peal/base/a.h: nobody includes this header"});
}

}  // namespace
}  // namespace peal
