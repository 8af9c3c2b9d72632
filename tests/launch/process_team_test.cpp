// SPDX-License-Identifier: Apache-2.0
// Processes that are a team, and who may believe so by mistake; how their ends are learned.
#include "peal/launch/process_team.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/executors/shm/memory/arena.h"
#include "peal/executors/shm/rank_process.h"
#include "tests/support/program.h"

namespace peal {
namespace {

// How the ranks of a program have ended.
struct Ended {
  int code = 0;
  std::string why;
};

// Each rank is a process with the environment that a launcher gives.
Ended run_ranks(int ranks, const std::function<int(const ShmArena&, int)>& program) {
  const ShmArena arena = ShmArena::make(ranks);
  RankProcesses processes(arena);
  for (int rank = 0; rank < ranks; ++rank) {
    processes.fork([&, rank] {
      ::setenv("PEAL_RANK", std::to_string(rank).c_str(), 1);
      ::setenv("PEAL_SHM_FD", std::to_string(arena.file()).c_str(), 1);
      return program(arena, rank);
    });
  }
  const int code = processes.wait(5);
  return {code, arena.failure().value_or("")};
}

void sum_up(ProcessTeam& team) {
  std::vector<float> mine(100, 1), sum(100);
  for (int call = 0; call < 50; ++call) {
    all_reduce(team, {.send = mine, .recv = sum});
    if (sum.back() != static_cast<float>(team.size())) throw UsageError("a wrong sum");
  }
}

// As in a program whose main catches nothing: no frame above has a handler.
int uncaught_by(const std::function<void()>& program) {
  std::thread(program).join();
  return 0;
}

TEST(ProcessTeam, WhatNobodyCatchesIsToldOnceByTheLauncher) {
  testing::internal::CaptureStderr();
  const Ended ended = run_ranks(3, [](const ShmArena&, int rank) {
    return uncaught_by([rank] {
      ProcessTeam team = team_from_environment();
      if (rank == 1) throw std::runtime_error("no luck");
      sum_up(team);
    });
  });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.why, "rank 1: no luck");
}

TEST(ProcessTeam, AVariableWithoutMeaningIsToldOnceByTheLauncher) {
  testing::internal::CaptureStderr();
  const Ended ended = run_ranks(3, [](const ShmArena&, int) {
    return uncaught_by([] {
      ::setenv("PEAL_TIMEOUT", "soon", 1);
      ProcessTeam team = team_from_environment();
      sum_up(team);
    });
  });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.why.find("PEAL_TIMEOUT"), std::string::npos) << ended.why;
}

std::string refusal_of_team() {
  try {
    const ProcessTeam team = team_from_environment();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ProcessTeam, ARankHasOneOnce) {
  const Ended ended = run_ranks(2, [](const ShmArena&, int rank) {
    {
      ProcessTeam team = team_from_environment();
      sum_up(team);
    }
    return refusal_of_team() == "team: rank " + std::to_string(rank) +
                                    " has been taken; a rank has one team, once, and the programs "
                                    "that it starts have none: keep the team, and unset PEAL_RANK "
                                    "for them"
               ? 0
               : 3;
  });
  EXPECT_EQ(ended.code, 0) << ended.why;
}

TEST(ProcessTeam, AProcessThatARankForksDoesNotEndIt) {
  const Ended ended = run_ranks(2, [](const ShmArena& arena, int rank) {
    std::optional<ProcessTeam> team = team_from_environment();
    const int code = code_of_child([&] {
      team.reset();
      return 0;
    });
    if (code != 0 || arena.rank(rank).state.load() != RankState::running) return 3;
    sum_up(*team);
    return 0;
  });
  EXPECT_EQ(ended.code, 0) << ended.why;
}

TEST(ProcessTeam, IsMovedWithWhatItsCallsHaveMade) {
  static_assert(std::is_nothrow_move_constructible_v<ProcessTeam>);
  static_assert(std::is_nothrow_move_assignable_v<ProcessTeam>);
  static_assert(!std::is_move_constructible_v<Team> && !std::is_move_assignable_v<Team>);
  const Ended ended = run_ranks(3, [](const ShmArena& arena, int rank) {
    const auto is_running = [&] { return arena.rank(rank).state.load() == RankState::running; };
    std::optional<ProcessTeam> first = team_from_environment();
    sum_up(*first);
    std::unique_ptr<Team> second = std::make_unique<ProcessTeam>(*std::move(first));
    first.reset();
    if (!is_running()) return 3;
    auto& moved = static_cast<ProcessTeam&>(*second);
    sum_up(moved);
    std::unique_ptr<Team> part = second->split(0);
    ProcessTeam third = std::move(moved);
    sum_up(third);
    moved = std::move(third);
    sum_up(moved);
    std::vector<float> mine(100, 1), sum(100);
    all_reduce(*part, {.send = mine, .recv = sum});
    if (!is_running() || sum.back() != 3) return 4;
    part.reset();
    second.reset();
    return arena.rank(rank).state.load() == RankState::finished ? 0 : 5;
  });
  EXPECT_EQ(ended.code, 0) << ended.why;
}

// A signal, for as long as this lives.
class Ignored {
 public:
  explicit Ignored(int signal) : signal_(signal), before_(std::signal(signal, SIG_IGN)) {}
  ~Ignored() { std::signal(signal_, before_); }
  Ignored(const Ignored&) = delete;
  Ignored& operator=(const Ignored&) = delete;

 private:
  int signal_;
  void (*before_)(int);
};

// Another part of the program may reap all children, or have the system do so.
TEST(ProcessTeam, RanksWhoseExitCodeIsLostAreNotWaitedForInVain) {
  const Ignored ignored(SIGCHLD);
  const Ended right = run_ranks(3, [](const ShmArena& arena, int rank) {
    arena.rank(rank).state.store(RankState::finished);
    return 0;
  });
  const Ended wrong = run_ranks(3, [](const ShmArena&, int) { return 0; });
  EXPECT_EQ(right.code, 0) << right.why;
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.why.find("its exit code went to somebody else"), std::string::npos) << wrong.why;
}

TEST(ProcessTeam, AnExceptionDoesNotLeaveARanksProcess) {
  const pid_t own = ::getpid();
  const Ended ended = run_ranks(2, [](const ShmArena&, int rank) -> int {
    if (rank == 1) throw std::runtime_error("of the program");
    return 0;
  });
  if (::getpid() != own) ::_exit(0);
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.why.find("rank 1 (process "), std::string::npos) << ended.why;
  EXPECT_NE(ended.why.find("exited with code 1 before its end"), std::string::npos) << ended.why;
}

TEST(ProcessTeam, ADeathBetweenTheSignsOfAFailureIsSeen) {
  const Ended ended = run_ranks(1, [](const ShmArena& arena, int rank) {
    arena.rank(rank).state.store(RankState::failed);
    return ::raise(SIGKILL);
  });
  EXPECT_EQ(ended.code, 128 + SIGKILL);
  EXPECT_NE(ended.why.find("was killed by signal 9"), std::string::npos) << ended.why;
}

// Whoever ends first: the others fail because of it.
TEST(ProcessTeam, TheCodeIsThatOfTheRankThatFailedFirst) {
  const Ended ended = run_ranks(3, [](const ShmArena& arena, int rank) {
    const auto has_failed = [&](int peer) {
      return arena.rank(peer).state.load() == RankState::failed;
    };
    try {
      ProcessTeam team = team_from_environment();
      if (rank == 1) throw std::runtime_error("of the program");
      sum_up(team);
    } catch (const std::exception&) {
      while (rank == 1 && !(has_failed(0) && has_failed(2))) ::sched_yield();
    }
    return rank == 1 ? 7 : 2;
  });
  EXPECT_EQ(ended.code, 7);
  EXPECT_EQ(ended.why, "rank 1 has ended with an error");
  const Ended silent = run_ranks(1, [](const ShmArena&, int) {
    try {
      const ProcessTeam team = team_from_environment();
      throw std::runtime_error("of the program");
    } catch (const std::exception&) {
    }
    return 0;
  });
  EXPECT_EQ(silent.code, 1);
}

TEST(ProcessTeam, WhatARankSaysByAnyStreamIsWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.path("said");
  EXPECT_EQ(code_of_child([&] {
              std::ios::sync_with_stdio(false);
              if (std::freopen(path.c_str(), "w", stdout) == nullptr) return 1;
              std::cout << "before\n";
              static_cast<void>(run_ranks(2, [](const ShmArena&, int) {
                std::cout << "rank\n";
                std::printf("rank\n");
                return 0;
              }));
              return 0;
            }),
            0);
  EXPECT_EQ(file_text(path), "before\nrank\nrank\nrank\nrank\n");
}

TEST(ProcessTeam, ItsFileIsNoneOfTheStandardOnes) {
  EXPECT_EQ(code_of_child([] {
              for (int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(file);
              return ShmArena::make(2).file() > STDERR_FILENO ? 7 : 1;
            }),
            7);
}

TEST(ProcessTeam, ALimitOfFilesIsToldOf) {
  EXPECT_EQ(code_of_child([] {
              const rlimit limit{.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
              ::setrlimit(RLIMIT_FSIZE, &limit);
              try {
                static_cast<void>(ShmArena::make(2));
              } catch (const Error& error) {
                const std::string text = error.what();
                const bool is_told =
                    text.starts_with("shm: 2 ranks need ") &&
                    text.ends_with(
                        " and 1048576 are to be had; raise `ulimit -f` (RLIMIT_FSIZE), "
                        "or use fewer ranks");
                return is_told ? 7 : 1;
              }
              return 0;
            }),
            7);
}

}  // namespace
}  // namespace peal
