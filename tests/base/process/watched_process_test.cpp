// SPDX-License-Identifier: Apache-2.0
#include "peal/base/process/watched_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

#include "peal/base/process/last_words.h"
#include "peal/pto/load/fault_guard.h"

namespace peal {
namespace {

constexpr double limit_seconds = 0.3;
constexpr int longer_ms = 900;

std::string wait_for_nothing() {
  ::poll(nullptr, 0, longer_ms);
  return "an answer";
}

TEST(WatchedProcess, WhatWaitsForTheSystemIsEnded) {
  const WatchedEnd end = run_watched(wait_for_nothing, limit_seconds);
  EXPECT_FALSE(end.has_answered);
  EXPECT_NE(end.what.find("waits for something of the system"), std::string::npos) << end.what;
}

// As for the compiler, which takes as long as it takes on a machine with much to do.
TEST(WatchedProcess, WhatWaitsRightlyMayTakeItsTime) {
  const WatchedEnd end = run_watched(
      [] {
        const RightfulWait wait;
        return wait_for_nothing();
      },
      limit_seconds);
  ASSERT_TRUE(end.has_answered) << end.what;
  EXPECT_EQ(end.answer, "an answer");
}

// What a run of kernels does whose limit is 0.1 s.
WatchedEnd end_of_guarded(const std::function<void()>& work) {
  return run_watched(
      [&work]() -> std::string {
        const FaultGuard guard(0.1);
        work();
        return "an answer";
      },
      limit_seconds);
}

void block_all_signals() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

volatile bool never = false;
void compute() {
  while (!never) {
  }
}

TEST(WatchedProcess, WhatStopsItselfIsEnded) {
  const auto stop = [] { ::raise(SIGSTOP); };
  EXPECT_EQ(end_of_guarded(stop).what, text_of(Stall::stopped));
  EXPECT_EQ(end_of_guarded([&] {
              block_all_signals();  // and so it would go on when it is woken up
              stop();
            }).what,
            text_of(Stall::stopped));
  EXPECT_EQ(run_watched([&] { return stop(), "an answer"; }, limit_seconds).what,
            text_of(Stall::stopped));
}

TEST(WatchedProcess, WhatKeepsTheGuardsSignalsOffIsEnded) {
  EXPECT_EQ(end_of_guarded([] {
              block_all_signals();
              compute();
            }).what,
            text_of(Stall::spins));
  EXPECT_EQ(end_of_guarded([] {
              ::signal(SIGVTALRM, SIG_IGN);
              compute();
            }).what,
            text_of(Stall::spins));
  EXPECT_EQ(end_of_guarded([] {
              const itimerval off{};
              ::setitimer(ITIMER_VIRTUAL, &off, nullptr);
              block_all_signals();
              std::thread(compute).join();
            }).what,
            text_of(Stall::spins));
}

TEST(WatchedProcess, WhatWakesUpBetweenItsSleepsIsEnded) {
  EXPECT_EQ(end_of_guarded([] {
              for (;;) ::usleep(100);
            }).what,
            text_of(Stall::waits));
}

// Without the pipe of its answer, nothing is heard of its end.
TEST(WatchedProcess, WhatClosesItsFilesIsEnded) {
  EXPECT_EQ(end_of_guarded([] {
              ::close_range(3, ~0U, 0);
              for (;;) ::pause();
            }).what,
            text_of(Stall::waits));
}

TEST(WatchedProcess, ProcessesThatItForksEndWithIt) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  // One waits for a child that computes for ever, one leaves a grandchild of its own session.
  EXPECT_EQ(end_of_guarded([] {
              const pid_t child = ::fork();
              if (child == 0) compute();
              ::waitpid(child, nullptr, 0);
            }).what,
            text_of(Stall::waits));
  const WatchedEnd left = end_of_guarded([] {
    if (::fork() != 0) return;
    ::setsid();
    if (::fork() == 0) compute();
    ::_exit(0);
  });
  EXPECT_TRUE(left.has_answered) << left.what;
  ::close(ends[1]);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "nobody has the other end";
  ::close(ends[0]);
}

// The copy must not answer, too.
TEST(WatchedProcess, ACopyThatAKernelForksGivesNoAnswer) {
  const WatchedEnd end = end_of_guarded([] { ::fork(); });
  ASSERT_TRUE(end.has_answered) << end.what;
  EXPECT_EQ(end.answer, "an answer");
}

// As by Ctrl-Z, which stops whoever watches, too.
TEST(WatchedProcess, AJobThatIsStoppedAsAWholeGoesOn) {
  const pid_t job = ::fork();
  if (job == 0) {
    ::setpgid(0, 0);
    const WatchedEnd end = end_of_guarded([] {
      const auto begin = ::clock();
      while (::clock() - begin < CLOCKS_PER_SEC) {
      }
    });
    ::_exit(end.has_answered ? 0 : 1);
  }
  ::setpgid(job, job);
  ::kill(-job, SIGSTOP);
  int status = 0;
  ASSERT_EQ(::waitpid(job, &status, WUNTRACED), job);
  ASSERT_TRUE(WIFSTOPPED(status));
  ::poll(nullptr, 0, longer_ms);
  ::kill(-job, SIGCONT);
  ASSERT_EQ(::waitpid(job, &status, 0), job);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

// Kernels that compute for longer than their limit, but come on.
TEST(WatchedProcess, WhatComesOnMayTakeItsTime) {
  const WatchedEnd end = end_of_guarded([] {
    const auto begin = ::clock();
    while (::clock() - begin < 2 * CLOCKS_PER_SEC) {
    }
  });
  EXPECT_TRUE(end.has_answered) << end.what;
}

}  // namespace
}  // namespace peal
