// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace peal {

// A file of the project, with its path from the root.
struct SourceFile {
  std::string path;
  std::string text;
};
using SourceFiles = std::vector<SourceFile>;
// What breaks a rule, a sentence each.
using StyleFindings = std::vector<std::string>;
using Names = std::set<std::string, std::less<>>;

[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);
[[nodiscard]] std::vector<std::string> parts_of(const std::string& text, char separator);
[[nodiscard]] bool has_extension(const std::string& path, const Names& extensions);
[[nodiscard]] bool is_header(const std::string& path);
[[nodiscard]] bool is_cpp(const std::string& path);

// What stands between the quotes or angle brackets of every #include, in order.
[[nodiscard]] std::vector<std::string> includes_of(const std::string& text);
[[nodiscard]] bool contains_word(std::string_view text, std::string_view word);
// The columns that a line takes: bytes that continue a UTF-8 character take none.
[[nodiscard]] std::size_t columns_of(std::string_view line);

// All files of the project: those that git tracks or, in a tree without git, all that are not built
// and do not begin with a dot. Read once.
[[nodiscard]] const SourceFiles& source_tree();
[[nodiscard]] const Names& source_paths();
// The text of one of them; empty if there is none at that path.
[[nodiscard]] std::string source_text(std::string_view path);

// Fails the test that runs with each of them.
void report(const StyleFindings& findings);

}  // namespace peal
