// SPDX-License-Identifier: Apache-2.0
// Everything that `peal` says and writes of simulated chips is the same bytes each time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <ostream>
#include <regex>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "peal/collectives/registry.h"
#include "tests/support/broken_program.h"
#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// What `peal` is given: `@` is a folder for what it writes. Each number of ranks is a test.
struct Repeated {
  std::string arguments;
  std::vector<int> ranks = {0};  // 0: the command's own
  int code = 0;
  std::string then = {};  // given to it afterwards, to read what the first has written
};

const std::string broken = "tests/broken/", cases = " --case tests/broken/cases/";

const std::vector<Repeated> commands = {
    {"list"},
    {"list --json @/list.json"},
    {"check --help"},
    {"run all_reduce -a star", {0}, 2},
    {"run all_reduce -a ring --json @/run.json --output @/y.npy", {1, 2, 3, 5, 7, 33}},
    {"run all_reduce -p a5sim --json -", {3}},
    {"run reduce_scatter -p hostsim -t bf16 --fill rand --seed 5 --repeat 2", {5}},
    {"run broadcast --schedule pct:3 -c 1000", {33}},
    {"run all_gather --no-values -c 64K", {7}},
    {"run all_to_all -a push --schedule random:7 --save-schedule @/schedule",
     {7},
     0,
     "run all_to_all -a push --schedule @/schedule -n 7"},
    {"run examples/kernels/ring_all_reduce.cpp --json @/run.json", {1, 3, 33}},
    {"run examples/pto/all_reduce_ring --json @/run.json", {2, 7}},
    {"run examples/pto/all_to_all_push --case examples/pto/all_to_all_push/case.toml", {5}},
    {"run tests/pto/exchange_kernel.cpp --arg 'in f32[64] fill=i+100*rank' --arg 'out f32[64]' "
     "--arg 'window scratch' --arg 'scalar call' --arg context --window 'scratch f32[144*P]' "
     "--expect all_reduce=sum --schedule random:2",
     {3}},
    {"check all_reduce --json @/check.json", {1, 2, 7, 33}},
    {"check all_to_all -a push --strict --advice", {3, 5}},
    {"check broadcast -a tree --mutate", {3}},
    {"check reduce -p a5sim --schedule random:4 --events @/events", {5}, 0, "check @/events"},
    {"check examples/kernels/ring_all_reduce.cpp --mutate --json -", {2}},
    {"check examples/kernels/ring_all_reduce_broken.cpp --json @/check.json", {3}, 1},
    {"check examples/pto/all_reduce_ring --advice --schedules 8", {2}},
    {"check " + broken + "no_drain.cpp" + cases + "exchange.toml --json @/check.json", {3}, 1},
    {"check " + broken + "unstable_result.cpp" + cases + "free.toml --save-schedule @/s", {3}, 1},
    {"check " + broken + "missed_value.cpp" + cases + "signals.toml --schedules 16", {2}, 1},
    {"check " + broken + "line_clobber.cpp" + cases + "signals.toml", {5}, 1},
    {"check " + broken + "division_by_zero.cpp" + cases + "own.toml", {2}, 1},
    {"check " + broken + "cycle.cpp" + cases + "signals.toml --json -", {7}, 1},
    {"check " + broken + "peal/one_cell_for_all.cpp", {3}, 1},
    {"check " + broken + "peal/wrong_chunk.cpp", {5}, 1},
    {"check " + broken + "tasks/no_dep", {0}, 1},
    {"run " + broken + "cycle.cpp" + cases + "signals.toml --json @/run.json", {3}, 1},
    {"run " + broken + "bad_pointer.cpp" + cases + "own.toml --json @/run.json", {5}, 1},
    {"graph examples/graphs/two_sums.toml --checks --dot @/graph.dot --json @/graph.json"},
    {"graph examples/graphs/sum_of_sums.toml -p a5sim --schedule random:5 --json -"},
};

struct OneCommand {
  const Repeated* command;
  int ranks;

  [[nodiscard]] std::string arguments() const {
    return command->arguments + (ranks == 0 ? "" : " -n " + std::to_string(ranks));
  }
};

void PrintTo(const OneCommand& each, std::ostream* out) { *out << "peal " << each.arguments(); }

std::vector<OneCommand> each_command() {
  std::vector<OneCommand> result;
  for (const Repeated& command : commands) {
    for (const int ranks : command.ranks) result.push_back({&command, ranks});
  }
  return result;
}

// The host's speed is the one thing that differs, and stands on stderr for that reason.
std::string without_speed(const std::string& said) {
  return std::regex_replace(said, std::regex(" in [0-9.]+ s(, [0-9.]+ M/s)?\n"), "\n");
}

// What it has printed, and written into the folder, by name.
using Bytes = std::map<std::string, std::string>;

class SameBytes : public testing::TestWithParam<OneCommand> {
 protected:
  // With other leftovers in memory, and another stack, for each `pass`.
  void run(const std::string& arguments, int code, std::size_t pass, Bytes& bytes) const {
    const std::string filling = std::to_string(1 + 84 * pass);
    const char* const options = std::getenv("ASAN_OPTIONS");
    const std::string environment =
        "MALLOC_PERTURB_=" + filling + " ASAN_OPTIONS=" + (options == nullptr ? "" : options) +
        ":malloc_fill_byte=" + filling + " PEAL_TEST_PASS=" + std::string(1000 * pass, 'x');
    const std::string in_folder =
        std::regex_replace(arguments, std::regex("@"), folder_.path("written"));
    const Finished finished = run_program("env", environment + " '" PEAL_BINARY "' " + in_folder);
    EXPECT_EQ(finished.code, code) << finished.out << finished.err;
    bytes["stdout of " + arguments] = finished.out;
    bytes["stderr of " + arguments] = without_speed(finished.err);
  }

  // The folder has the same name each time, and is empty at first.
  [[nodiscard]] Bytes pass(std::size_t number) const {
    const auto& [command, ranks] = GetParam();
    const fs::path written = folder_.path("written");
    fs::create_directory(written);
    Bytes bytes;
    run(GetParam().arguments(), command->code, number, bytes);
    if (!command->then.empty()) run(command->then, command->code, number, bytes);
    for (const auto& entry : fs::directory_iterator(written)) {
      bytes[entry.path().filename()] = file_text(entry.path());
    }
    fs::remove_all(written);
    return bytes;
  }

 private:
  TemporaryFolder folder_;
};

TEST_P(SameBytes, ArePrintedAndWrittenEachTime) {
  const Bytes first = pass(0);
  EXPECT_EQ(first, pass(1));
  // Every file that the command names is among them.
  const std::string& arguments = GetParam().command->arguments;
  const auto named = std::count(arguments.begin(), arguments.end(), '@');
  const std::size_t streams = GetParam().command->then.empty() ? 2 : 4;
  EXPECT_EQ(first.size(), streams + static_cast<std::size_t>(named));
}

INSTANTIATE_TEST_SUITE_P(Commands, SameBytes, testing::ValuesIn(each_command()));

TEST(SameBytesTest, OnlyTheSpeedIsLeftOut) {
  EXPECT_EQ(without_speed("7 chip instructions in 0.012 s, 3.4 M/s\n"), "7 chip instructions\n");
  EXPECT_EQ(without_speed("2 tasks in 1.250 s\n"), "2 tasks\n");
  EXPECT_NE(without_speed("7 chip instructions in 0.012 s\n"),
            without_speed("8 chip instructions in 0.012 s\n"));
}

// In this process, in which each call finds the memory as the last one has left it.
Finished run_here(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Finished result;
  result.code = command_line(static_cast<int>(pointers.size()), pointers.data());
  result.out = testing::internal::GetCapturedStdout();
  result.err = without_speed(testing::internal::GetCapturedStderr());
  return result;
}

TEST(LongSameBytes, OfEveryAlgorithmWithEachNumberOfRanks) {
  for (const Algorithm& algorithm : algorithms()) {
    for (int ranks = 1; ranks <= 64; ++ranks) {
      const std::vector<std::string> arguments = {
          "peal",         "run", name(algorithm.collective), "-a",
          algorithm.name, "-n",  std::to_string(ranks)};
      const Finished first = run_here(arguments);
      EXPECT_EQ(first.code, 0) << algorithm.name << " " << ranks << ": " << first.err;
      EXPECT_NE(first.out.find("PASS"), std::string::npos) << first.out;
      for (int time = 1; time < 10; ++time) {
        const Finished again = run_here(arguments);
        EXPECT_EQ(again.code, first.code);
        EXPECT_EQ(again.out, first.out);
        EXPECT_EQ(again.err, first.err);
      }
    }
  }
}

TEST(LongSameBytes, OfEveryWrongProgram) {
  for (const BrokenProgram& program : broken_programs()) {
    const std::string options =
        program.case_file.empty() ? "" : " --case tests/broken/" + program.case_file;
    const std::string arguments = "check tests/broken/" + program.program + options +
                                  " --schedules 8 --json - -n " +
                                  std::to_string(program.ranks.back());
    const Finished first = run_peal(arguments), again = run_peal(arguments);
    EXPECT_LE(first.code, 1) << arguments << ": " << first.err;
    EXPECT_EQ(again.code, first.code) << arguments;
    EXPECT_EQ(again.out, first.out) << arguments;
    EXPECT_EQ(again.err, first.err) << arguments;
  }
}

}  // namespace
}  // namespace peal
