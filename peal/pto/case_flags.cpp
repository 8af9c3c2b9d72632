// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/case_flags.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "peal/base/error.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

std::string_view without_outer_spaces(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

// As a string of TOML.
std::string toml_text(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

struct Words {
  std::string_view first, rest;
};
Words split(std::string_view text, char separator) {
  text = without_outer_spaces(text);
  const std::size_t end = text.find(separator);
  if (end == text.npos) return {text, {}};
  return {without_outer_spaces(text.substr(0, end)), without_outer_spaces(text.substr(end + 1))};
}

[[noreturn]] void refuse(const char* flag, std::string_view text, const char* expected) {
  throw Error(fmt::format("{} `{}` says too little; give {}", flag, text, expected));
}

// `in f32[256] fill=i` as a table, whose last key is what follows `fill=`.
std::string argument(std::string_view text) {
  const Words words = split(text, ' ');
  if (words.first == "context" && words.rest.empty()) return "{ context = true }";
  if (words.first.empty() || words.rest.empty()) {
    refuse("--arg", text,
           "a kind and what it is of, such as 'in f32[256] fill=i', 'out f32[256]', 'window NAME', "
           "'scalar P' or 'context'");
  }
  const std::size_t bracket = words.rest.find(']');
  const std::size_t fill = words.rest.find("fill=", bracket == words.rest.npos ? 0 : bracket);
  if (fill == words.rest.npos) {
    return fmt::format("{{ {} = {} }}", toml_text(words.first), toml_text(words.rest));
  }
  return fmt::format("{{ {} = {}, fill = {} }}", toml_text(words.first),
                     toml_text(without_outer_spaces(words.rest.substr(0, fill))),
                     toml_text(without_outer_spaces(words.rest.substr(fill + 5))));
}

// `scratch f32[272]` as a section.
std::string window(std::string_view text) {
  const Words words = split(text, ' ');
  const std::size_t bracket = words.rest.find('[');
  const std::size_t fill = words.rest.find("fill=", bracket == words.rest.npos ? 0 : bracket);
  const std::string_view shape = without_outer_spaces(words.rest.substr(0, fill));
  if (words.first.empty() || bracket == words.rest.npos || !shape.ends_with(']')) {
    refuse("--window", text,
           "a name, a dtype and a count, such as 'scratch f32[272]' or 'scratch f32[272] fill=i'");
  }
  std::string section =
      fmt::format("[window.{}]\ndtype = {}\ncount = {}\n", toml_text(words.first),
                  toml_text(without_outer_spaces(shape.substr(0, bracket))),
                  toml_text(shape.substr(bracket + 1, shape.size() - bracket - 2)));
  if (fill != words.rest.npos) {
    section +=
        fmt::format("fill = {}\n", toml_text(without_outer_spaces(words.rest.substr(fill + 5))));
  }
  return section;
}

// `N=256` and `all_gather=true` as lines of a section.
std::string assignment(const char* flag, std::string_view text) {
  const Words words = split(text, '=');
  if (words.first.empty() || words.rest.empty()) {
    refuse(flag, text, "a name and what it is, such as 'name=2*P'");
  }
  return fmt::format("{} = {}\n", toml_text(words.first),
                     words.rest == "true" ? "true" : toml_text(words.rest));
}

std::string number(const char* flag, const std::string& text) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) {
    throw Error(fmt::format("{} `{}` is no number; give one such as 1e-3", flag, text));
  }
  return fmt::format("{:e}", value);
}

}  // namespace

bool CaseFlags::any() const {
  return !args.empty() || !windows.empty() || !expected.empty() || !values.empty() ||
         !include.empty() || blocks || cores || core || tolerance;
}

CaseFile case_of_flags(const CaseFlags& flags, const CaseReplacements& replacements) {
  std::string text = "ranks = [4]\nargs = [\n";
  for (const std::string& arg : flags.args) text += argument(arg) + ",\n";
  text += "]\ninclude = [\n";
  for (const std::string& folder : flags.include)
    text += toml_text(fs::absolute(folder).string()) + ",\n";
  text += "]\n";
  if (flags.blocks) text += fmt::format("blocks = {}\n", toml_text(*flags.blocks));
  if (flags.cores) text += fmt::format("cores = {}\n", toml_text(*flags.cores));
  if (flags.tolerance) {
    text += fmt::format("tolerance = {}\n", number("--tolerance", *flags.tolerance));
  }
  text += fmt::format("[[kernel]]\nid = 0\nfile = {}\n",
                      toml_text(fs::absolute(flags.kernel).string()));
  if (flags.core) text += fmt::format("core = {}\n", toml_text(*flags.core));
  if (!flags.expected.empty()) text += "[expect]\n";
  for (const std::string& expected : flags.expected) text += assignment("--expect", expected);
  if (!flags.values.empty()) text += "[values]\n";
  for (const std::string& value : flags.values) text += assignment("--value", value);
  for (const std::string& one : flags.windows) text += window(one);
  return read_case_text(text, replacements);
}

}  // namespace peal
