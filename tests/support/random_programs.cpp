// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_programs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "peal/cases/case_file.h"
#include "peal/launch/kernel_run.h"
#include "peal/launch/launch.h"
#include "peal/run/deadlock.h"

namespace peal {
namespace {

using Expected = RandomProgram::Expected;

const std::string folder = PEAL_BINARY_FOLDER "/random_programs";

// A run with a reader keeps what its outputs held.
class NoReader : public EventReader {
 public:
  void read(const Event&) override {}
};

std::string checksum(const RunOutput& output) {
  std::uint64_t value = 0xcbf29ce484222325;  // FNV-1a
  for (const std::byte byte : output.bytes) {
    value = (value ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", value);
}

std::string describe(const Expected& expected) {
  return fmt::format("{} at {}", expected.kind, fmt::join(expected.lines, " and "));
}

// What the model says of a finding: its class and the lines of the program that it names.
Expected expected_form(const Finding& finding) {
  std::set<int> lines;
  for (const FindingSide& side : finding.sides) {
    if (finding.kind == FindingClass::deadlock) break;
    lines.insert(static_cast<int>(side.place.line));
    if (finding.kind == FindingClass::vacuous_wait) break;  // the other is a notify
  }
  return {name(finding.kind), {lines.begin(), lines.end()}};
}

// Whether the first core of a deadlock stands at a line at which the model says that it does.
bool stands_at(const RandomProgram& program, const Finding& deadlock) {
  return std::any_of(program.stuck.begin(), program.stuck.end(), [&](int line) {
    return std::cmp_equal(line, deadlock.sides.front().place.line);
  });
}

std::vector<Expected> found_in(const RandomProgram& program, std::vector<std::string>& wrong) {
  const Platform platform = simulated_target("a2a3sim");
  const CheckSubject subject{
      .command = {},
      .switches = platform.switches,
      .runs_kernels = false,
      .run = [&](int, const RunOptions& options) { return outcome_of(program.run(options)); }};
  const CheckResult result = check(subject, {.ranks = program.ranks});
  if (!result.undecided.empty()) wrong.push_back("the verdict is not exact: " + result.undecided);
  std::vector<Expected> found;
  for (const CheckedFinding& each : result.findings) {
    if (is_advice(each.finding)) continue;
    found.push_back(expected_form(each.finding));
    if (each.finding.kind == FindingClass::deadlock && program.has_to_deadlock() &&
        !stands_at(program, each.finding)) {
      wrong.push_back("other lines: " + describe(each.finding, Quotation::none));
    }
    if (!program.is_uncertain && std::find(program.allowed.begin(), program.allowed.end(),
                                           found.back()) == program.allowed.end()) {
      wrong.push_back("false alarm: " + describe(each.finding, Quotation::none));
    }
  }
  return found;
}

// What is wrong with one run under a schedule.
std::optional<std::string> wrong_with(const RandomProgram& program, const std::string& schedule) {
  NoReader reader;
  try {
    const CaseRunResult result = program.run({.schedule = schedule, .readers = {&reader}});
    if (program.has_to_deadlock()) return "it has to stand still and does not";
    if (!program.is_right()) return std::nullopt;
    std::vector<std::string> outputs;
    for (const RunOutput& output : result.outputs) outputs.push_back(checksum(output));
    if (outputs != program.outputs) {
      return fmt::format("its outputs are {} and have to be {}", outputs, program.outputs);
    }
  } catch (const Deadlock&) {
    if (!program.may_deadlock()) return "it stands still";
  }
  return std::nullopt;
}

}  // namespace

bool RandomProgram::may_deadlock() const {
  return is_uncertain || std::any_of(allowed.begin(), allowed.end(), [](const Expected& expected) {
           return expected.kind == "deadlock";
         });
}

bool RandomProgram::has_to_deadlock() const {
  return std::any_of(needed.begin(), needed.end(), [&](const auto& group) {
    return group.size() == 1 && allowed[group.front()].kind == "deadlock";
  });
}

std::vector<RandomProgram> random_programs(RandomKind kind, int source) {
  const std::string word = kind == RandomKind::pto ? "pto" : "verbs";
  const std::string command =
      fmt::format("python3 " PEAL_SOURCE_DIR "/tests/random_programs/generate.py '{}' --{} {}",
                  folder, word, source);
  if (std::system(command.c_str()) != 0) throw std::runtime_error(command + " failed");
  const std::string path = fmt::format("{}/{}_{:02}", folder, word, source);
  std::ifstream stream(path + ".json");
  std::vector<RandomProgram> result;
  for (const nlohmann::json& row : nlohmann::json::parse(stream)) {
    RandomProgram& program = result.emplace_back();
    program.source = path + ".cpp";
    program.number = row.at("program");
    program.ranks = row.at("ranks");
    program.calls = row.at("calls");
    for (const nlohmann::json& expected : row.at("allowed")) {
      program.allowed.push_back({expected.at("class"), expected.at("lines")});
    }
    program.needed = row.at("needed").get<std::vector<std::vector<std::size_t>>>();
    program.stuck = row.at("stuck").get<std::vector<int>>();
    program.is_uncertain = row.at("uncertain");
    program.outputs = row.at("outputs").get<std::vector<std::string>>();
    const auto request = [ranks = program.ranks, calls = program.calls](const RunOptions& options) {
      return CaseRunRequest{.ranks = ranks, .calls = calls, .options = options};
    };
    const std::string number = std::to_string(program.number);
    if (kind == RandomKind::pto) {
      program.run = [request, file = read_case_file(path + ".toml", {{"program", number}})](
                        const RunOptions& options) { return run_case(file, request(options)); };
      continue;
    }
    Kernel kernel = load_kernel_file(program.source);
    kernel.values.front().value = number;
    program.run = [request, kernel](const RunOptions& options) {
      return run_kernel(kernel, request(options));
    };
  }
  return result;
}

std::vector<std::string> disagreements(const RandomProgram& program, int schedules) {
  std::vector<std::string> wrong;
  const std::vector<Expected> found = found_in(program, wrong);
  for (const auto& group : program.needed) {
    const bool is_found = std::any_of(group.begin(), group.end(), [&](std::size_t index) {
      return std::find(found.begin(), found.end(), program.allowed[index]) != found.end();
    });
    if (!is_found) wrong.push_back("not found: " + describe(program.allowed[group.front()]));
  }
  std::set<std::string> kinds;  // of one kind the first schedule is enough
  for (int seed = 0; seed <= schedules; ++seed) {
    const std::string schedule = seed == 0 ? "virtual" : fmt::format("random:{}", seed);
    const std::optional<std::string> sentence = wrong_with(program, schedule);
    if (sentence && kinds.insert(*sentence).second) {
      wrong.push_back(fmt::format("under schedule {}: {}", schedule, *sentence));
    }
  }
  for (std::string& sentence : wrong) {
    sentence = fmt::format("{} program {} on {} ranks: {}", program.source, program.number,
                           program.ranks, sentence);
  }
  return wrong;
}

}  // namespace peal
