// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/case_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "peal/base/error.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

std::string_view without_outer_spaces(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

// The text as a quoted TOML string.
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

// Refuses text behind the `]` of an array other than `fill=` and an expression.
void check_behind(const char* flag, std::string_view text, std::string_view rest) {
  const std::size_t bracket = rest.find(']');
  if (bracket == rest.npos) return;
  const std::string_view behind = without_outer_spaces(rest.substr(bracket + 1));
  if (behind.empty() || behind.starts_with("fill=")) return;
  throw UsageError(
      fmt::format("{} `{}` has `{}` behind its count, which is unknown; use fill=EXPRESSION", flag,
                  text, behind));
}

[[noreturn]] void refuse(const char* flag, std::string_view text, const char* expected) {
  throw UsageError(fmt::format("{} `{}` says too little; give {}", flag, text, expected));
}

// Translates an --arg such as `in f32[256] fill=i` to a TOML table.
std::string argument(std::string_view text) {
  const Words words = split(text, ' ');
  if (words.first == "context" && words.rest.empty()) return "{ context = true }";
  if (words.first.empty() || words.rest.empty()) {
    refuse("--arg", text,
           "a kind and what it is of, such as 'in f32[256] fill=i', 'out f32[256]', 'window NAME', "
           "'scalar P' or 'context'");
  }
  constexpr std::string_view kinds[] = {"in",     "out",    "inout",  "temp",
                                        "window", "scalar", "context"};
  if (std::find(std::begin(kinds), std::end(kinds), words.first) == std::end(kinds)) {
    throw UsageError(
        fmt::format("--arg `{}` begins with `{}`, which is no kind of argument; use one of {}",
                    text, words.first, fmt::join(kinds, ", ")));
  }
  const bool is_array =
      words.first != "window" && words.first != "scalar" && words.first != "context";
  if (is_array) check_behind("--arg", text, words.rest);
  const std::size_t bracket = words.rest.find(']');
  const std::size_t fill = words.rest.find("fill=", bracket == words.rest.npos ? 0 : bracket);
  if (fill == words.rest.npos) {
    return fmt::format("{{ {} = {} }}", toml_text(words.first), toml_text(words.rest));
  }
  return fmt::format("{{ {} = {}, fill = {} }}", toml_text(words.first),
                     toml_text(without_outer_spaces(words.rest.substr(0, fill))),
                     toml_text(without_outer_spaces(words.rest.substr(fill + 5))));
}

// Refuses an --arg that names a window without a --window of that name.
void check_window_of(std::string_view argument, const std::vector<std::string>& windows) {
  const Words words = split(argument, ' ');
  const bool names_window = words.first == "window" || words.first == "context";
  if (!names_window || words.rest.empty()) return;
  for (const std::string& window : windows) {
    if (split(window, ' ').first == words.rest) return;
  }
  throw UsageError(
      fmt::format("--arg `{}` names window `{}`, which no --window describes; add --window "
                  "'{} f32[256]', or what it is",
                  argument, words.rest, words.rest));
}

// Translates a --window such as `scratch f32[272]` to a TOML section.
std::string window(std::string_view text) {
  const Words words = split(text, ' ');
  check_behind("--window", text, words.rest);
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

// Translates an assignment such as `N=256` or `all_gather=true` to a line of a TOML section.
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
    throw UsageError(fmt::format("{} `{}` is no number; give one such as 1e-3", flag, text));
  }
  return fmt::format("{:e}", value);
}

}  // namespace

const char* CaseFlags::first() const {
  const std::pair<const char*, bool> options[] = {{"--arg", !args.empty()},
                                                  {"--window", !windows.empty()},
                                                  {"--expect", !expected.empty()},
                                                  {"--value", !values.empty()},
                                                  {"--include", !include.empty()},
                                                  {"--blocks", blocks.has_value()},
                                                  {"--cores", cores.has_value()},
                                                  {"--core", core.has_value()},
                                                  {"--tolerance", tolerance.has_value()}};
  for (const auto& [option, is_given] : options) {
    if (is_given) return option;
  }
  return nullptr;
}

CaseFile case_of_flags(const CaseFlags& flags, const CaseReplacements& replacements) {
  std::string text = "ranks = [4]\nargs = [\n";
  for (const std::string& arg : flags.args) {
    text += argument(arg) + ",\n";
    check_window_of(arg, flags.windows);
  }
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
