// SPDX-License-Identifier: Apache-2.0
// The checks from outside: `peal check`, and peal::check() on kernels of this file.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/checks/checker.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/check_kernel.h"
#include "peal/launch/launch.h"
#include "tests/support/program.h"

namespace peal {
namespace {

using Json = nlohmann::json;

// The arguments of `peal check` for a program of tests/broken that exchanges with its neighbour.
std::string exchange(const std::string& program, const std::string& options = "") {
  return fmt::format("check tests/broken/{}.cpp --case tests/broken/cases/exchange.toml {}",
                     program, options);
}

// What --json says of these arguments.
Json json_of(const std::string& arguments) {
  const TemporaryFolder folder;
  const Finished finished = run_peal(arguments + " --json " + folder.path("x.json"));
  EXPECT_NE(finished.code, 2) << finished.err;
  return Json::parse(file_text(folder.path("x.json")));
}

std::set<std::string> classes(const Json& json) {
  std::set<std::string> result;
  for (const Json& each : json.at("results")) {
    for (const Json& finding : each.at("findings")) {
      result.insert(finding.at("class").get<std::string>());
    }
  }
  return result;
}

using Classes = std::set<std::string>;

TEST(Check, GoldenTexts) {
  expect_golden("check_clean", "check all_reduce -a ring -n 2,4");
  expect_golden("check_race", exchange("no_drain", "-n 4"), 1);
  expect_golden("check_deadlock",
                "check tests/broken/returns_early.cpp --case tests/broken/cases/signals.toml -n 3",
                1);
  expect_golden("check_mutation", exchange("unneeded_sync", "-n 2 --mutate"));
  expect_golden("check_searched", exchange("polls_either", "-n 3 --schedules 10"), 1);
  expect_golden("check_searched_clean", exchange("polls_either", "-n 3 --set repaired=1"));
  expect_golden("check_wrong_result", "check tests/broken/peal/double_contribution.cpp -n 2", 1);
  expect_golden("check_advice", exchange("unread_bytes", "-n 2 --advice"));
}

// The commands in the lines of a report that begin with "again: ", each under its finding's class.
std::vector<std::pair<std::string, std::string>> again_lines(const std::string& report) {
  std::vector<std::pair<std::string, std::string>> result;
  std::istringstream text(report);
  std::string kind;
  for (std::string line; std::getline(text, line);) {
    const std::string start = "again: peal ";
    if (line.starts_with(start)) {
      result.emplace_back(kind, line.substr(start.size()));
    } else if (!line.starts_with(' ') && line.find(": ") != line.npos) {
      kind = line.substr(0, line.find(':'));
    }
  }
  return result;
}

TEST(Check, EveryReplayCommandShowsItsFindingAgain) {
  int others = 0;  // that name another schedule than the usual one
  for (const std::string& arguments :
       {exchange("race", "-n 2"), exchange("polls_either", "-n 3,4"),
        exchange("wrong_comparison", "-n 2"), exchange("unread_bytes", "-n 2 --advice"),
        exchange("vacuous_wait", "-n 2 --set repaired=0"),
        std::string("check tests/broken/peal/wrong_chunk.cpp -n 3 --calls 3"),
        std::string("check tests/broken/tasks/no_dep -n 2"),
        std::string("check examples/kernels/ring_all_reduce_broken.cpp -n 2 -p a5sim --strict")}) {
    const auto commands = again_lines(run_peal(arguments).out);
    EXPECT_GT(commands.size(), 0u) << arguments;
    for (const auto& [kind, command] : commands) {
      EXPECT_EQ(classes(json_of(command + " --schedules 0")).count(kind), 1u) << command;
      if (command.find("--schedule ") != command.npos) ++others;
    }
  }
  EXPECT_GT(others, 2);
}

TEST(Check, ASavedScheduleShowsItsFindingsAgain) {
  const TemporaryFolder folder;
  const std::string file = folder.path("schedule"),
                    one = exchange("polls_either", "-n 3 ") + "--schedules 0 ";
  const Json saved = json_of(one + "--schedule random:1 --save-schedule " + file);
  EXPECT_EQ(classes(saved).count("race"), 1u);
  const Json read = json_of(one + "--schedule " + file);
  EXPECT_EQ(classes(read), classes(saved));
  EXPECT_EQ(classes(json_of(one)), Classes{});
}

TEST(Check, TwoChecksPrintAndWriteTheSameBytes) {
  const TemporaryFolder folder;
  std::vector<std::string> outputs[2];
  for (std::vector<std::string>& output : outputs) {
    for (const std::string& arguments :
         {exchange("polls_either", "-n 3 --schedules 5"),
          exchange("unneeded_sync", "-n 2 --mutate"),
          std::string("check all_reduce -a ring -n 3 -c 100 --mutate")}) {
      const std::string file = folder.path("x.json");
      const Finished finished = run_peal(arguments + " --json " + file);
      EXPECT_NE(finished.code, 2) << finished.err;
      output.insert(output.end(), {finished.out, file_text(file)});
    }
  }
  EXPECT_EQ(outputs[0], outputs[1]);
  EXPECT_EQ(folder.file_count(), 1);
}

TEST(Check, TheExitCodeSaysWhetherThereAreFindings) {
  EXPECT_EQ(run_peal("check all_gather -n 3").code, 0);
  EXPECT_EQ(run_peal(exchange("race", "-n 2")).code, 1);
  EXPECT_EQ(run_peal(exchange("unread_bytes", "-n 2 --advice")).code, 0);
  EXPECT_EQ(run_peal("check all_gather -n 0").code, 2);
  // One wrong number of ranks is enough.
  EXPECT_EQ(run_peal(exchange("polls_once", "-n 3,2")).code, 1);
}

TEST(Check, RanksAreAList) {
  const Json json = json_of("check all_reduce -a two_phase -n 2,16,3");
  std::vector<int> ranks;
  for (const Json& result : json.at("results")) ranks.push_back(result.at("ranks").get<int>());
  EXPECT_EQ(ranks, (std::vector<int>{2, 16, 3}));
  EXPECT_EQ(json_of(exchange("race")).at("results").size(), 2u);  // the case's own
}

TEST(Check, FindingsAreChosenByTheirClass) {
  const std::string arguments = exchange("vacuous_wait", "-n 2 ");
  EXPECT_EQ(classes(json_of(arguments)), (Classes{"race", "vacuous_wait"}));
  EXPECT_EQ(classes(json_of(arguments + "--only race")), Classes{"race"});
  EXPECT_EQ(classes(json_of(arguments + "--skip race")), Classes{"vacuous_wait"});
  const Finished skipped = run_peal(arguments + "--skip race,vacuous_wait");
  EXPECT_EQ(skipped.code, 0);
  EXPECT_NE(skipped.out.find("clean but for 2 findings that --only or --skip leave out (exact"),
            std::string::npos)
      << skipped.out;
  EXPECT_EQ(json_of("check all_gather -n 3 --only race").at("results")[0].at("left_out"), 0);
  EXPECT_EQ(run_peal(arguments + "--only crash --only deadlock").code, 0);
  EXPECT_EQ(classes(json_of(exchange("unread_bytes", "-n 2"))), Classes{});
  EXPECT_EQ(classes(json_of(exchange("unread_bytes", "-n 2 --only unread_bytes"))),
            Classes{"unread_bytes"});
}

// A drained store that is announced without a dsb, and two fences under one number.
TEST(Check, StrictAssumesLess) {
  const TemporaryFolder folder;
  std::ofstream(folder.path("kernel.cpp")) << "#include \"program.h\"\n"
                                              "using namespace program;\n"
                                              "extern \"C\" void kernel_entry(int64_t* args) {\n"
                                              "  const Program p(args);\n"
                                              "  put(p.data.own, p.in);\n"
                                              "  pipe_barrier(PIPE_ALL);\n"
                                              "  notify(p.signals.of(p.previous));\n"
                                              "  wait(p.signals.own, 1);\n"
                                              "  get(p.out, p.data.of(p.next));\n"
                                              "  drain();\n"
                                              "}\n";
  const std::string arguments = fmt::format("check {} --case tests/broken/cases/exchange.toml -n 2",
                                            folder.path("kernel.cpp"));
  EXPECT_EQ(classes(json_of(arguments)), Classes{});
  EXPECT_EQ(classes(json_of(arguments + " --strict")), Classes{"race"});
  EXPECT_EQ(classes(json_of("check examples/pto/all_reduce_ring -n 2 --strict")), Classes{});
}

TEST(Check, AnElementIsCountedFromTheStartOfTheResult) {
  const TemporaryFolder folder;
  std::ofstream(folder.path("own_only.cpp"))
      << "#include \"peal/machine/kernel.h\"\n"
         "static void own_only(peal::Device& self, const peal::KernelArguments& args) {\n"
         "  for (int rank = 0; rank < self.ranks(); ++rank) {\n"
         "    self.copy(args.buffer(\"all\").part(16 * rank, 16), args.buffer(\"own\"));\n"
         "  }\n"
         "}\n"
         "peal::Kernel peal_kernel() {\n"
         "  using Kind = peal::KernelBuffer::Kind;\n"
         "  return {.name = \"own_only\", .run = own_only,\n"
         "          .buffers = {{.name = \"own\", .kind = Kind::input, .count = \"16\"},\n"
         "                      {.name = \"all\", .kind = Kind::output, .count = \"16*P\"}},\n"
         "          .expect = {{.collective = \"all_gather\"}}};\n"
         "}\n";
  const Finished finished = run_peal(fmt::format("check {} -n 2", folder.path("own_only.cpp")));
  EXPECT_NE(finished.out.find("element 16 of the result of rank 0 in call 0"), std::string::npos)
      << finished.out;
}

TEST(Check, ADeadlockInACollectiveNamesTheCall) {
  const Kernel kernel{.name = "some_only", .run = [](Device& self, const KernelArguments& args) {
                        if (self.rank() != 1) barrier(args.team());
                      }};
  const std::string text = check(kernel, {.ranks = 3}).text();
  EXPECT_NE(text.find(" in barrier (tests/search/check_test.cpp:"), std::string::npos) << text;
}

TEST(Check, AFailureOutsideOfVerbsIsAfterTheLastOne) {
  const Kernel kernel{.name = "throws",
                      .run =
                          [](Device& self, const KernelArguments& args) {
                            self.copy(args.buffer("b"), args.buffer("a"));
                            throw std::runtime_error("no luck");
                          },
                      .buffers = {{.name = "a", .kind = KernelBuffer::Kind::input, .count = "4"},
                                  {.name = "b", .kind = KernelBuffer::Kind::output, .count = "4"}}};
  const std::string text = check(kernel, {.ranks = 1}).text();
  EXPECT_NE(text.find("fails after this   tests/search/check_test.cpp:"), std::string::npos)
      << text;
}

TEST(Check, JsonSaysWhatIsPrinted) {
  const Json json = json_of(exchange("race", "-n 2"));
  const Json& result = json.at("results").at(0);
  EXPECT_EQ(result.at("verdict"), "1 finding");
  EXPECT_EQ(result.at("clean"), false);
  EXPECT_EQ(result.at("exact"), true);
  const Json& finding = result.at("findings").at(0);
  EXPECT_EQ(finding.at("again"), "peal " + exchange("race", "-n 2"));
  EXPECT_EQ(finding.at("sides").size(), 2u);
  EXPECT_TRUE(finding.at("sides").at(1).at("file").get<std::string>().ends_with("race.cpp"));
  const Json searched = json_of(exchange("polls_either", "-n 3 --set repaired=1 --schedules 4"));
  EXPECT_EQ(searched.at("results").at(0).at("exact"), false);
  EXPECT_EQ(searched.at("results").at(0).at("schedules"), 5);
  const Json mutations = json_of(exchange("unneeded_sync", "-n 2 --mutate")).at("mutations");
  ASSERT_EQ(mutations.size(), 6u);
  EXPECT_EQ(mutations.at(3).at("what"), "notify");
  EXPECT_EQ(mutations.at(3).at("caught_by").at("class"), "deadlock");
  EXPECT_EQ(mutations.at(4).at("class"), "unneeded_sync");
}

TEST(Check, NothingIsLeftOutOfAProgramThatIsWrong) {
  const std::string arguments = exchange("race", "-n 2 --mutate");
  EXPECT_NE(run_peal(arguments).out.find("nothing is left out"), std::string::npos);
  EXPECT_FALSE(json_of(arguments).contains("mutations"));
}

// The findings without what names the run.
std::vector<Json> findings_of(const Json& json) {
  std::vector<Json> result;
  for (Json finding : json.at("results").at(0).at("findings")) {
    finding.erase("again");
    result.push_back(finding);
  }
  return result;
}

TEST(Check, ARecordedRunHasTheSameFindings) {
  const TemporaryFolder folder;
  const std::string file = folder.path("x.events");
  for (const std::string& arguments :
       {exchange("race", "-n 2"), exchange("reset_at_entry", "-n 4"), exchange("unread_bytes"),
        exchange("stale_read", "-n 4"), std::string("check all_reduce -a ring -n 3"),
        std::string("check tests/broken/peal/maximum_without_one.cpp -n 4 --only race")}) {
    const std::string one = arguments.find("-n ") == arguments.npos ? " -n 2" : "";
    const std::string options = one + " --advice --skip wrong_result";
    const Json run = json_of(arguments + options + " --events " + file);
    const Json read = json_of(fmt::format("check {} --advice --skip wrong_result", file));
    EXPECT_EQ(findings_of(run), findings_of(read)) << arguments;
    EXPECT_EQ(run.at("results").at(0).at("ranks"), read.at("results").at(0).at("ranks"));
  }
}

// Its events do not show that somebody waits for ever, or what a kernel did last.
TEST(Check, ARecordedRunThatEndedBeforeItsTimeIsNotClean) {
  const TemporaryFolder folder;
  const std::string file = folder.path("x.events");
  for (const char* program : {"nobody_notifies", "returns_early", "cycle"}) {
    EXPECT_EQ(
        run_peal(fmt::format("check tests/broken/{}.cpp --case tests/broken/cases/signals.toml "
                             "-n 4 --events {}",
                             program, file))
            .code,
        1);
    const Finished read = run_peal("check " + file);
    EXPECT_EQ(read.code, 1) << read.out;
    EXPECT_NE(read.out.find("the recorded run ended with deadlock: "), std::string::npos)
        << read.out;
  }
}

TEST(Check, MisuseIsToldInOneSentence) {
  const TemporaryFolder folder;
  const std::string file = folder.path("x.events");
  EXPECT_EQ(run_peal("check barrier -n 2 --events " + file).code, 0);
  expect_misuse("check", "target is required");
  expect_misuse("check all_reduce --only races", "--only `races` is no check; use some of crash");
  expect_misuse("check all_reduce --skip x", "--skip `x` is no check");
  expect_misuse("check all_reduce -n 2,", "--ranks ``");
  expect_misuse("check all_reduce -n 2,x", "--ranks `x`");
  expect_misuse("check all_reduce -n 0", "--ranks `0`");
  expect_misuse("check all_reduce --schedules -1", "--schedules `-1`");
  expect_misuse("check all_reduce --schedules many", "--schedules `many`");
  expect_misuse("check all_reduce --schedule sometimes", "schedule `sometimes` is unknown");
  expect_misuse("check all_reduce --calls 0", "--calls `0`");
  expect_misuse("check all_reduce -p shm", "platform `shm`");
  expect_misuse("check all_reduce -n 2,3 --events " + file, "--events records one run");
  expect_misuse("check all_reduce --events /no/such/folder/x", "cannot be written");
  expect_misuse("check all_reduce --save-schedule /no/such/folder/x", "cannot be written");
  expect_misuse("check all_reduce --json /no/such/folder/x", "cannot be written");
  expect_misuse("check " + file + " --mutate", "is a recorded run of 2 ranks");
  expect_misuse("check " + file + " -n 3", "is a recorded run of 2 ranks");
  expect_misuse("check " + file + " --events " + folder.path("y"), "is a recorded run");
  expect_misuse("check no_such.cpp", "no_such.cpp");
}

// An event file that ends early or is changed is refused, and does not end the program otherwise.
TEST(Check, DamagedEventFilesAreRefused) {
  const TemporaryFolder folder;
  const std::string file = folder.path("x.events");
  EXPECT_EQ(run_peal("check barrier -n 2 --events " + file).code, 0);
  const std::string whole = file_text(file);
  for (const std::size_t length : {whole.size() - 1, whole.size() / 2, std::size_t{12}}) {
    std::ofstream(file, std::ios::binary) << whole.substr(0, length);
    expect_misuse("check " + file, "x.events");
  }
}

using Kind = KernelBuffer::Kind;

// Every rank puts its input into its right neighbour's slot; `slots` of them are used in turn.
Kernel pass_on(int slots) {
  return {
      .name = "pass_on",
      .run =
          [slots](Device& self, const KernelArguments& args) {
            const Rank right{(self.rank() + 1) % self.ranks()};
            const Signal arrived = args.signals("arrived")[0];
            const auto slot = static_cast<std::size_t>(args.call() % slots);
            const View landing = args.buffer("landing").part(slot * 8, 8);
            self.put(right, landing, args.buffer("mine"));
            self.notify(right, arrived);
            self.wait(arrived);
            self.copy(args.buffer("theirs"), landing);
          },
      .buffers = {{.name = "mine", .kind = Kind::input, .count = "8", .fill = "i + 100*rank"},
                  {.name = "theirs", .kind = Kind::output, .count = "8"},
                  {.name = "landing", .count = fmt::format("8 * {}", slots)}},
      .signals = {{.name = "arrived", .count = "1"}},
      .expect = {{.outputs = {"i + 100*((rank + P - 1) % P)"}}},
      .calls = 6,
  };
}

TEST(CheckKernel, ARankMayBeAsManyCallsAheadAsThereAreSlots) {
  for (int ranks : {2, 3, 5}) {
    const CheckReport enough = check(pass_on(ranks), {.ranks = ranks});
    EXPECT_TRUE(enough.is_clean()) << enough.text();
    EXPECT_NE(enough.text().find("clean (exact; 6 calls, "), std::string::npos) << enough.text();
    const CheckReport few = check(pass_on(ranks - 1), {.ranks = ranks});
    EXPECT_FALSE(few.is_clean());
    EXPECT_TRUE(few.has(FindingClass::race)) << few.text();
    EXPECT_FALSE(few.has(FindingClass::deadlock));
  }
}

TEST(CheckKernel, ReportsNameTheLinesOfTheKernel) {
  const CheckReport report = check(pass_on(1), {.ranks = 2});
  ASSERT_EQ(report.result.findings.size(), 1u) << report.text();
  const Finding& finding = report.result.findings.front().finding;
  EXPECT_EQ(finding.kind, FindingClass::race);
  ASSERT_EQ(finding.sides.size(), 2u);
  for (const FindingSide& side : finding.sides) {
    EXPECT_TRUE(side.place.file.ends_with("tests/search/check_test.cpp")) << side.place.file;
  }
  EXPECT_EQ(report.text().find("again:"), std::string::npos);  // there is no command
}

TEST(CheckKernel, ADescriptionThatMakesNoSenseIsNoFinding) {
  EXPECT_THROW(static_cast<void>(check(pass_on(2), {.ranks = 0})), Error);
  EXPECT_THROW(static_cast<void>(check(pass_on(2), {.platform = "a9sim"})), Error);
  Kernel kernel = pass_on(2);
  kernel.expect->outputs = {"i +"};
  EXPECT_THROW(static_cast<void>(check(kernel, {})), Error);
}

// What the checks keep of so many calls of a ring all-reduce.
std::size_t max_kept(int calls) {
  const auto executor = open_executor("a2a3sim");
  Checker checker(executor->platform().switches);
  executor->run(8,
                [calls](Team& team) {
                  const View view = team.allocate(64, DType::f32);
                  static_cast<void>(team.device().write(view));
                  for (int call = 0; call < calls; ++call) {
                    run_collective(team, {.collective = Collective::all_reduce,
                                          .send = view,
                                          .recv = view,
                                          .algorithm = "ring"});
                  }
                },
                {.values = false, .readers = {&checker}});
  checker.finish(Checker::RunEnd::right);
  EXPECT_TRUE(checker.findings().is_clean());
  EXPECT_FALSE(checker.has_grown());
  return checker.max_kept();
}

TEST(CheckMemory, DoesNotGrowWithTheRun) {
  const std::size_t kept = max_kept(100);
  EXPECT_GT(kept, 30000u);  // more than one batch
  EXPECT_LT(max_kept(1000), 2 * kept);
}

}  // namespace
}  // namespace peal
