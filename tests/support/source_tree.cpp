// SPDX-License-Identifier: Apache-2.0
#include "tests/support/source_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

namespace peal {
namespace {

namespace fs = std::filesystem;

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

SourceFiles read_source_tree() {
  std::vector<std::string> paths;
  if (fs::exists(PEAL_SOURCE_DIR "/.git")) paths = tracked_paths();
  if (paths.empty()) paths = found_paths();
  SourceFiles files;
  for (const std::string& path : paths) {
    std::ifstream stream(PEAL_SOURCE_DIR "/" + path, std::ios::binary);
    if (stream) files.push_back({path, std::string(std::istreambuf_iterator<char>(stream), {})});
  }
  return files;
}

}  // namespace

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

bool contains_word(std::string_view text, std::string_view word) {
  const auto in_word = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    if ((at == 0 || !in_word(at - 1)) && !in_word(at + word.size())) return true;
  }
  return false;
}

std::size_t columns_of(std::string_view line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

const SourceFiles& source_tree() {
  static const SourceFiles files = read_source_tree();
  return files;
}

const Names& source_paths() {
  static const Names paths = [] {
    Names result;
    for (const SourceFile& file : source_tree()) result.insert(file.path);
    return result;
  }();
  return paths;
}

std::string source_text(std::string_view path) {
  for (const SourceFile& file : source_tree()) {
    if (file.path == path) return file.text;
  }
  return "";
}

void report(const StyleFindings& findings) {
  for (const std::string& finding : findings) ADD_FAILURE() << finding;
}

}  // namespace peal
