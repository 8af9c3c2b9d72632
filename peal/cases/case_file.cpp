// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/case_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/toml_file.h"
#include "peal/cases/case_arguments.h"
#include "peal/cases/case_call.h"
#include "peal/cases/case_node.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

constexpr int highest_ranks = 65536;
constexpr double default_tolerance = 1e-3;

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto fits = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), fits);
}

enum class PathKind : bool { file, folder };

// The absolute path that the node names. Refuses it if it does not exist.
std::string read_path(const CaseNode& node, const CaseFile& file, PathKind kind) {
  const fs::path folder = file.path.empty() ? "" : fs::absolute(file.path).parent_path();
  const fs::path path = (folder / node.text()).lexically_normal();
  std::error_code failed;  // a path that cannot be examined counts as missing
  const bool found =
      kind == PathKind::file ? fs::is_regular_file(path, failed) : fs::is_directory(path, failed);
  if (found) return path.string();
  node.refuse(fmt::format("names `{}`, which is no {}; name one relative to the {}", path.string(),
                          kind == PathKind::file ? "file" : "folder",
                          file.path.empty() ? "working directory" : "case file"));
}

void read_ranks(const CaseNode& root, CaseFile& file) {
  file.min_ranks = 1;
  file.max_ranks = highest_ranks;
  if (const auto limit = root.find("rank_limit"); limit) {
    const std::vector<CaseNode> ends = limit->elements();
    if (ends.size() != 2) limit->must_be("the fewest and the most ranks, such as [2, 16]");
    file.min_ranks = ends[0].constant({.lowest = 1, .highest = highest_ranks});
    file.max_ranks = ends[1].constant({.lowest = file.min_ranks, .highest = highest_ranks});
  }
  const CaseNode ranks = root.need("ranks");
  for (const CaseNode& node : ranks.elements()) {
    file.ranks.push_back(node.constant({.lowest = file.min_ranks, .highest = file.max_ranks}));
  }
  if (file.ranks.empty()) ranks.must_be("at least one number of ranks");
}

void read_values(const CaseNode& root, const CaseReplacements& replacements, CaseFile& file) {
  const auto values = root.find("values");
  for (const auto& [name, text] : replacements) {
    if (values && values->find(name)) continue;
    std::string known;
    if (values) {
      for (const CaseNode& node : values->entries()) known += fmt::format("`{}`, ", node.name());
    }
    root.refuse(
        fmt::format("has no value `{}` that could be set; {}add it to [values] or by --value", name,
                    known.empty() ? "" : fmt::format("set {}or ", known)));
  }
  if (!values) return;
  for (const CaseNode& node : values->entries()) {
    if (!is_name(node.name())) node.refuse("is no name; use letters, digits and `_`");
    for (const char* taken : {"P", "rank", "call", "i", "min", "max"}) {
      if (node.name() == taken) node.refuse("means something else in expressions; rename it");
    }
    const auto replaced = replacements.find(node.name());
    file.values.push_back(
        {node.name(), replaced == replacements.end()
                          ? node.number(file.values, NumberScope::call)
                          : node.number(replaced->second, file.values, NumberScope::call)});
  }
}

std::optional<CaseNumber> read_setup(const CaseNode& root, std::string_view key,
                                     const CaseFile& file) {
  const auto node = root.find(key);
  return node ? std::optional(node->number(file.values, NumberScope::setup)) : std::nullopt;
}

void read_setups(const CaseNode& root, CaseFile& file) {
  file.blocks = read_setup(root, "blocks", file);
  file.cores = read_setup(root, "cores", file);
  file.calls = read_setup(root, "calls", file);
  const auto windows = root.find("window");
  if (!windows) return;
  for (const CaseNode& node : windows->entries()) {
    node.allow({"dtype", "count", "fill", "expect"});
    CaseWindow& window = file.windows.emplace_back();
    window.name = node.name();
    window.dtype = node.need("dtype").dtype();
    window.count = node.need("count").number(file.values, NumberScope::setup);
    if (const auto fill = node.find("fill")) window.fill = read_case_fill(*fill, file);
    if (const auto expect = node.find("expect")) {
      window.expect = expect->number(file.values, NumberScope::element);
    }
  }
}

CaseKernel read_kernel(const CaseNode& node, const CaseFile& file) {
  node.allow({"id", "file", "core"});
  CaseKernel kernel;
  const CaseNode id = node.need("id");
  kernel.id = id.constant({.lowest = 0, .highest = std::numeric_limits<int>::max()});
  if (file.find_kernel(kernel.id) != nullptr) {
    id.refuse(fmt::format("is {}, which is another kernel's; give each its own", kernel.id));
  }
  kernel.file = read_path(node.need("file"), file, PathKind::file);
  if (const auto core = node.find("core"); core) {
    if (core->text() != "aiv" && core->text() != "aic") core->must_be("`aiv` or `aic`");
    kernel.core = core->text() == "aiv" ? CoreType::aiv : CoreType::aic;
  }
  return kernel;
}

void read_programs(const CaseNode& root, CaseFile& file) {
  if (const auto folders = root.find("include"); folders) {
    for (const CaseNode& node : folders->elements()) {
      file.include.push_back(read_path(node, file, PathKind::folder));
    }
  }
  const CaseNode kernels = root.need("kernel");
  for (const CaseNode& node : kernels.elements()) file.kernels.push_back(read_kernel(node, file));
  const auto orchestration = root.find("orchestration");
  if (!orchestration) {
    if (file.find_kernel(0) != nullptr) return;
    kernels.refuse("has no kernel of id 0, which the arguments go to; add it or [orchestration]");
  }
  orchestration->allow({"file", "name"});
  const CaseNode name = orchestration->need("name");
  if (!is_name(name.text())) name.must_be("the name of a function");
  file.orchestration = {read_path(orchestration->need("file"), file, PathKind::file), name.text()};
}

}  // namespace

const char* name(ArgumentKind kind) {
  static constexpr const char* names[] = {"in",     "out",    "inout",  "temp",
                                          "window", "scalar", "context"};
  return names[static_cast<std::size_t>(kind)];
}

const CaseKernel* CaseFile::find_kernel(int id) const {
  for (const CaseKernel& kernel : kernels) {
    if (kernel.id == id) return &kernel;
  }
  return nullptr;
}

static CaseFile read_case(const toml::table& table, const std::string& path,
                          const CaseReplacements& replacements) {
  CaseFile file;
  file.path = path;
  file.subject = path.empty() ? "flags" : fmt::format("case file `{}`", path);
  const CaseNode root(file.subject, table);
  root.allow({"ranks", "rank_limit", "blocks", "cores", "calls", "include", "tolerance", "args",
              "expect", "kernel", "orchestration", "window", "values"});
  const auto tolerance = root.find("tolerance");
  file.tolerance = tolerance ? tolerance->tolerance() : default_tolerance;
  read_ranks(root, file);
  read_values(root, replacements, file);
  read_setups(root, file);
  read_programs(root, file);
  read_case_arguments(root, file);
  read_case_expectation(root, file);
  for (int ranks : file.ranks) static_cast<void>(case_setup(file, ranks));
  return file;
}

CaseFile read_case_file(const std::string& path, const CaseReplacements& replacements) {
  return read_case(read_toml_file("case file", path), path, replacements);
}

CaseFile read_case_text(const std::string& text, const CaseReplacements& replacements) {
  try {
    return read_case(parse_toml("what describes the case", text), "", replacements);
  } catch (const toml::parse_error& error) {
    throw UsageError(
        fmt::format("flags that describe a case cannot be read: {}; give each name once, "
                    "and all in UTF-8",
                    error.description()));
  }
}

void check_ranks(const CaseFile& file, int ranks) {
  if (ranks >= file.min_ranks && ranks <= file.max_ranks) return;
  refuse_case(
      file.subject, "rank_limit",
      fmt::format("is [{}, {}], which {} ranks are outside of; use a number of ranks within",
                  file.min_ranks, file.max_ranks, ranks));
}

void refuse_case(const std::string& subject, std::string_view key, const std::string& what) {
  // Some keys contain quotes already, such as values `N`.
  const char* const quote = key.empty() || key.find('`') != key.npos ? "" : "`";
  throw UsageError(
      fmt::format("{}: {}{}{} {}", subject, quote, key.empty() ? "the file" : key, quote, what));
}

}  // namespace peal
