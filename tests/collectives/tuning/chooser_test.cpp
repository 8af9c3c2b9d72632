// SPDX-License-Identifier: Apache-2.0
#include "peal/collectives/tuning/chooser.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/collectives/tuning/defaults.h"
#include "peal/executors/shm/processors.h"
#include "peal/launch/launch.h"
#include "tests/support/environment_variable.h"

namespace peal::tests {
namespace {

std::string chosen(int ranks, std::size_t count, bool in_windows) {
  const auto executor = open_executor("shm");
  const std::span<std::byte> shared = executor->share(256);
  executor->run(ranks,
                [&](Team& team) {
                  Chooser chooser;
                  const Choice choice =
                      chooser.choose(team, Collective::all_reduce, count, DType::f32,
                                     {.send_in_window = in_windows, .recv_in_window = in_windows});
                  if (team.rank() != 0) return;
                  const std::string text =
                      std::string(choice.algorithm->name) + ": " + choice.reason;
                  std::copy_n(text.c_str(), std::min<std::size_t>(text.size() + 1, 255),
                              reinterpret_cast<char*>(shared.data()));
                },
                {});
  return reinterpret_cast<const char*>(shared.data());
}

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Choice, WithoutMeasurementsByDefaults) {
  const std::filesystem::path empty = testing::TempDir() + "peal_choice_none";
  const EnvironmentVariable cache("PEAL_CACHE_DIR", empty.string());
  EXPECT_TRUE(chosen(2, 2, true).starts_with("packet: nothing was measured"));
  EXPECT_TRUE(chosen(2, 1 << 20, true).starts_with("window_push: "));
  EXPECT_TRUE(chosen(2, 1 << 20, false).starts_with("two_phase: "));
  EXPECT_FALSE(std::filesystem::exists(empty));
}

TEST(Choice, MeasurementsAreWrittenAndRead) {
  const std::vector<MeasuredChoice> written = {
      {.conditions = {.collective = Collective::all_reduce, .ranks = 4, .in_windows = true},
       .max_bytes = {48, 4096},
       .algorithms = {"packet", "window_pull"}},
      {.conditions = {.collective = Collective::broadcast,
                      .ranks = 2,
                      .is_oversubscribed = true,
                      .lacks_shared_cache = true},
       .max_bytes = {1024},
       .algorithms = {"tree"}}};
  const std::string path = testing::TempDir() + "peal_tune_test.toml";
  std::ofstream(path) << text_of(written);
  const std::vector<MeasuredChoice> read = read_measured_choices(path);
  EXPECT_EQ(text_of(read), text_of(written));
  std::filesystem::remove(path);
}

TEST(Choice, WhatWasMeasuredForTheNearestNumberOfRanksCounts) {
  const std::filesystem::path folder = testing::TempDir() + "peal_choice_measured";
  std::filesystem::create_directories(folder);
  const EnvironmentVariable cache("PEAL_CACHE_DIR", folder.string());
  std::vector<MeasuredChoice> all;
  for (bool oversubscribed : {false, true}) {
    for (bool far : {false, true}) {
      for (int ranks : {2, 16}) {
        all.push_back({.conditions = {.collective = Collective::all_reduce,
                                      .ranks = ranks,
                                      .in_windows = true,
                                      .is_oversubscribed = oversubscribed,
                                      .lacks_shared_cache = far},
                       .max_bytes = {1000, 4000},
                       .algorithms = {"one_phase", ranks == 2 ? "two_phase" : "ring"}});
      }
    }
  }
  std::ofstream(tune_file()) << text_of(all);
  EXPECT_TRUE(chosen(2, 250, true).starts_with("one_phase: `peal tune` found it best for 2 ranks"));
  EXPECT_TRUE(chosen(2, 251, true).starts_with("two_phase: "));
  EXPECT_TRUE(chosen(3, 100000, true).starts_with("two_phase: "));
  EXPECT_TRUE(chosen(8, 100000, true).starts_with("ring: "));
  EXPECT_TRUE(chosen(2, 2, false).starts_with("packet: nothing was measured"));
  std::filesystem::remove_all(folder);
}

// Ranks that choose by different files do not meet, so what rank 0 has read counts.
TEST(Choice, WhatRank0HasReadCounts) {
  const std::filesystem::path folder = testing::TempDir() + "peal_choice_of_rank_0";
  std::filesystem::create_directories(folder / "empty");
  const EnvironmentVariable cache("PEAL_CACHE_DIR", folder.string());
  std::vector<MeasuredChoice> all;
  for (int kind = 0; kind < 4; ++kind) {
    all.push_back({.conditions = {.collective = Collective::all_reduce,
                                  .ranks = 2,
                                  .is_oversubscribed = kind % 2 != 0,
                                  .lacks_shared_cache = kind / 2 != 0},
                   .max_bytes = {1},
                   .algorithms = {"recursive_doubling"}});
  }
  const auto sum = [&](Team& team) {
    if (team.rank() != 0) ::setenv("PEAL_CACHE_DIR", (folder / "empty").c_str(), 1);
    std::vector<float> mine(1000, 1), result(1000);
    all_reduce(team, {.send = mine, .recv = result});
    if (result.back() != 3) throw UsageError("a wrong sum");
  };
  std::ofstream(tune_file()) << text_of(all);
  EXPECT_NO_THROW(open_executor("shm")->run(3, sum, {}));
  std::ofstream(tune_file()) << "choice = 3";
  const auto refused = [&](Team& team) {
    const std::string text = message_of([&] { sum(team); });
    if (text.find("peal_choice_of_rank_0/") == std::string::npos)
      throw UsageError("another: " + text);
  };
  EXPECT_NO_THROW(open_executor("shm")->run(3, refused, {}));
  std::filesystem::remove_all(folder);
}

TEST(Choice, ATeamIsBrokenWhenItsRanksDoNotMeetToChoose) {
  const auto program = [](Team& team) {
    if (team.rank() != 0) return;
    std::vector<float> mine(10), sum(10);
    EXPECT_NE(message_of([&] { all_reduce(team, {.send = mine, .recv = sum}); }), "");
    if (!team.broken()) throw UsageError("it is not broken");
  };
  EXPECT_NO_THROW(open_executor("shm")->run(2, program, {}));
}

// Such as one that was removed since.
TEST(Choice, AnAlgorithmThatIsNoneIsAnErrorEachTime) {
  const std::filesystem::path folder = testing::TempDir() + "peal_choice_unknown";
  std::filesystem::create_directories(folder);
  const EnvironmentVariable cache("PEAL_CACHE_DIR", folder.string());
  std::ofstream(tune_file()) << "[[choice]]\ncollective = \"all_reduce\"\nranks = 2\n"
                                "max_bytes = [8]\nalgorithms = [\"cell\"]\n";
  const std::string message = message_of([&] { chosen(2, 2, false); });
  EXPECT_NE(
      message.find("tune.toml`: all_reduce has no algorithm `cell`; run `peal tune` again, or "
                   "remove the file"),
      std::string::npos)
      << message;
  std::filesystem::remove_all(folder);
}

// The notifies of rank 0 beside one for each of so many small calls.
std::uint64_t notifies_beside(std::uint64_t calls) {
  const RunReport report =
      open_executor("shm")->run(2,
                                [&](Team& team) {
                                  std::array<float, 2> send{1, 2}, recv{};
                                  for (std::uint64_t i = 0; i < calls; ++i)
                                    all_reduce(team, {.send = send, .recv = recv});
                                },
                                {});
  return report.ranks[0].notifies - calls;
}

// How far lines are changes on virtual machines, so it is measured again after many calls.
TEST(Choice, LinesAreMeasuredAgainAfterManyCalls) {
  if (usable_processors() < 2) GTEST_SKIP() << "there is one processor";
  constexpr std::uint64_t max_of_one = 40;  // fewer where other work holds up the ranks
  EXPECT_GT(notifies_beside(1), 0u);
  EXPECT_LE(notifies_beside(1000), max_of_one);
  for (int tries = 0; tries < 20; ++tries) {
    if (notifies_beside(17'000) > max_of_one) return;
  }
  FAIL() << "they were measured once";
}

TEST(Choice, FilesOfVersion0_1AreRead) {
  const std::string path = testing::TempDir() + "peal_tune_before.toml";
  std::ofstream(path) << "[[choice]]\ncollective = \"all_reduce\"\nranks = 2\nin_windows = true\n"
                         "oversubscribed = false\nfar"
                         "_lines = true\nmost"
                         "_bytes = [48, 4096]\n"
                         "algorithms = [\"push\", \"ring\"]\n";
  const std::vector<MeasuredChoice> choices = read_measured_choices(path);
  ASSERT_EQ(choices.size(), 1u);
  EXPECT_TRUE(choices[0].conditions.lacks_shared_cache);
  EXPECT_EQ(choices[0].max_bytes, (std::vector<std::size_t>{48, 4096}));
  std::filesystem::remove(path);
}

TEST(Choice, FilesThatMakeNoSenseAreRefused) {
  const std::string path = testing::TempDir() + "peal_tune_bad.toml";
  const auto refusal = [&](const std::string& text) {
    std::ofstream(path) << text;
    return message_of([&] { static_cast<void>(read_measured_choices(path)); });
  };
  EXPECT_NE(refusal("").find("it has no `choice`; run `peal tune` again"), std::string::npos);
  EXPECT_NE(refusal("[[choice]]\ncollective = \"all_reduce\"\nranks = 2\nmax_bytes = [1]\n"
                    "algorithms = [\"ring\", \"push\"]\n")
                .find("2 algorithms for 1 sizes"),
            std::string::npos);
  EXPECT_NE(refusal("[[choice]]\ncollective = \"all_reduce\"\nranks = 2\nmax_bytes = [1]\n"
                    "algorithms = [\"star\"]\n")
                .find("all_reduce has no algorithm `star`"),
            std::string::npos);
  std::filesystem::remove(path);
}

TEST(Choice, TheEnvironmentDecides) {
  const EnvironmentVariable forced("PEAL_ALGORITHM", "broadcast=tree,all_reduce=ring");
  EXPECT_EQ(chosen(2, 2, true), "ring: PEAL_ALGORITHM says so");
  EXPECT_STREQ(forced_algorithm(Collective::broadcast)->name, "tree");
  EXPECT_EQ(forced_algorithm(Collective::gather), nullptr);
}

TEST(Choice, AnEnvironmentThatMakesNoSenseIsRefused) {
  const EnvironmentVariable forced("PEAL_ALGORITHM", "ring");
  EXPECT_EQ(message_of([] { static_cast<void>(forced_algorithm(Collective::all_reduce)); }),
            "PEAL_ALGORITHM: `ring` is no choice; give collective=algorithm, such as "
            "all_reduce=ring, with commas between several");
}

TEST(Choice, TheLogSaysWhatWasChosenAndWhy) {
  const EnvironmentVariable log("PEAL_LOG", "choices"), forced("PEAL_ALGORITHM", "all_reduce=ring");
  testing::internal::CaptureStderr();
  run_ranks("a2a3sim", 2, [](Team& team) {
    std::vector<float> values(4);
    for (int call = 0; call < 3; ++call) all_reduce(team, {.send = values, .recv = values});
  });
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "peal: all_reduce of 16 bytes on 2 ranks, in private memory: ring, because "
            "PEAL_ALGORITHM says so\n");
}

TEST(Choice, AnUnknownLogIsRefused) {
  const EnvironmentVariable log("PEAL_LOG", "loud");
  EXPECT_EQ(message_of([] {
              run_ranks("a2a3sim", 1, [](Team& team) {
                std::vector<float> values(4);
                all_reduce(team, {.send = values, .recv = values});
              });
            }),
            "PEAL_LOG is `loud`; the only value is `choices`");
}

}  // namespace
}  // namespace peal::tests
