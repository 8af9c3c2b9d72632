// SPDX-License-Identifier: Apache-2.0
#include "tests/support/broken_program.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "peal/launch/kernel_run.h"
#include "peal/launch/launch.h"
#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> texts(const toml::table& row, std::string_view key) {
  std::vector<std::string> result;
  if (const toml::array* array = row[key].as_array(); array != nullptr) {
    for (const toml::node& node : *array) result.push_back(node.value_or(std::string()));
  }
  return result;
}

CaseFile described(const BrokenProgram& program, Version version) {
  const std::string file = program.case_file.empty() ? program.program : program.case_file;
  CaseFile result = read_case_file(broken_folder / file,
                                   {{"repaired", version == Version::repaired ? "1" : "0"}});
  if (!program.case_file.empty()) result.kernels.front().file = broken_folder / program.program;
  return result;
}

Kernel loaded(const BrokenProgram& program, Version version) {
  return load_kernel_file(broken_folder /
                          (version == Version::wrong ? program.program : program.twin));
}

bool names_line(const Finding& finding, const fs::path& source, int line) {
  return std::any_of(finding.sides.begin(), finding.sides.end(), [&](const FindingSide& side) {
    std::error_code failed;
    return std::cmp_equal(side.place.line, line) && fs::equivalent(side.place.file, source, failed);
  });
}

// Whether a run of it may end its process, and so has one of its own, which takes longer.
bool ends_the_process(const BrokenProgram& program) { return program.finding == "crash"; }

// Whether one of the findings is the one that the row says.
bool has_expected(const BrokenProgram& program, const std::vector<CheckedFinding>& findings) {
  const fs::path source = broken_folder / program.source;
  return std::any_of(findings.begin(), findings.end(), [&](const CheckedFinding& found) {
    if (name(found.finding.kind) != program.finding) return false;
    return std::all_of(program.lines.begin(), program.lines.end(), [&](const std::string& marker) {
      const std::vector<int> lines = marked_lines(source, marker);
      return lines.size() == 1 && names_line(found.finding, source, lines.front());
    });
  });
}

}  // namespace

std::vector<BrokenProgram> broken_programs() {
  std::vector<BrokenProgram> result;
  const toml::table table = toml::parse_file((broken_folder / "expected.toml").string());
  for (const toml::node& node : *table["program"].as_array()) {
    const toml::table& row = *node.as_table();
    const auto text = [&](std::string_view key) { return row[key].value_or(std::string()); };
    BrokenProgram program{.program = text("program"),
                          .case_file = text("case"),
                          .twin = text("twin"),
                          .finding = text("class"),
                          .source = text("source"),
                          .about = text("about"),
                          .lines = texts(row, "lines"),
                          .also = texts(row, "also"),
                          .ranks = {}};
    if (program.source.empty()) program.source = program.program;
    if (const toml::array* ranks = row["ranks"].as_array(); ranks != nullptr) {
      for (const toml::node& number : *ranks) program.ranks.push_back(number.value_or(0));
    }
    if (program.ranks.empty()) program.ranks = {2, 4};
    result.push_back(program);
  }
  return result;
}

CaseRunResult run(const BrokenProgram& program, Version version, const CaseRunRequest& request) {
  return program.is_peal() ? run_kernel(loaded(program, version), request)
                           : run_case(described(program, version), request);
}

CheckSubject subject(const BrokenProgram& program, Version version) {
  const Platform platform = simulated_target("a2a3sim");
  const auto with = [platform](int ranks, const RunOptions& options) {
    return CaseRunRequest{
        .target = platform, .ranks = ranks, .time_limit_seconds = 1, .options = options};
  };
  CheckSubject result{.command = {},
                      .switches = platform.switches,
                      .runs_kernels = ends_the_process(program),
                      .time_limit_seconds = 1,
                      .run = {}};
  if (program.is_peal()) {
    result.run = [with, kernel = loaded(program, version)](int ranks, const RunOptions& options) {
      return outcome_of(run_kernel(kernel, with(ranks, options)));
    };
  } else {
    result.run = [with, file = described(program, version)](int ranks, const RunOptions& options) {
      return outcome_of(run_case(file, with(ranks, options)));
    };
  }
  return result;
}

std::vector<int> marked_lines(const fs::path& source, const std::string& marker) {
  std::vector<int> result;
  std::istringstream text(file_text(source));
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    const std::size_t comment = line.find("// ");
    if (comment == line.npos || line.find_first_not_of(' ') == comment) continue;
    std::istringstream words(line.substr(comment + 3));
    for (std::string word; words >> word;) {
      if (word == marker || word == marker + ":") result.push_back(number);
      if (word != "and" && word != "first") break;
    }
  }
  return result;
}

std::vector<std::string> differences(const BrokenProgram& program, Version version,
                                     const std::vector<CheckedFinding>& findings) {
  std::vector<std::string> result;
  const bool is_clean = version == Version::repaired || program.finding == "none";
  const bool is_mutation = program.finding == name(FindingClass::unneeded_sync);
  if (!is_clean && !is_mutation && !has_expected(program, findings)) {
    result.push_back(fmt::format("{} with the marked lines is not found", program.finding));
  }
  for (const CheckedFinding& found : findings) {
    const FindingClass kind = found.finding.kind;
    const bool is_expected = name(kind) == program.finding;
    // Advice about something else than the row's is right in both versions.
    if (is_clean ? is_advice(found.finding) && !is_expected
                 : is_expected || is_advice(found.finding) || kind == FindingClass::wrong_result) {
      continue;
    }
    if (!is_clean &&
        std::find(program.also.begin(), program.also.end(), name(kind)) != program.also.end()) {
      continue;
    }
    result.push_back("unexpected " + describe(found.finding));
  }
  return result;
}

}  // namespace peal
