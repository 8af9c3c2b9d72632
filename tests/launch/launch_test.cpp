// SPDX-License-Identifier: Apache-2.0
// What `peal launch` has started ends with it, however it ends, also behind a shell.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

// Waits, for a while, until something holds that another process brings about.
bool comes_true(const std::function<bool()>& holds) {
  const auto end = steady_clock::now() + std::chrono::seconds(20);
  while (steady_clock::now() < end) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

bool lives(pid_t process) {
  const std::string text = file_text(fmt::format("/proc/{}/stat", process));
  const std::size_t state = text.rfind(')');
  return state != std::string::npos && text[state + 2] != 'Z';
}

class Launch : public testing::Test {
 protected:
  // Starts `peal launch` on two ranks, whose shells run a program, directly and in the background,
  // each of which has said its process number when this returns.
  pid_t start() {
    const std::string said = folder_.path("$PEAL_RANK");
    const std::string script = fmt::format(
        "sh -c 'echo $$ >{0}.a; sleep 1000; :' & sh -c 'echo $$ >{0}.b; sleep 1000; :'; :", said);
    const pid_t launcher = ::fork();
    if (launcher == 0) {
      ::execl(PEAL_BINARY, "peal", "launch", "-n", "2", "--", "sh", "-c", script.c_str(), nullptr);
      ::_exit(127);
    }
    for (const char* name : {"0.a", "0.b", "1.a", "1.b"}) {
      EXPECT_TRUE(comes_true([&] { return file_text(folder_.path(name)).ends_with("\n"); }));
      programs_.push_back(std::stoi(file_text(folder_.path(name))));
    }
    return launcher;
  }
  void expect_all_gone() {
    for (const pid_t program : programs_) {
      EXPECT_TRUE(comes_true([&] { return !lives(program); })) << program;
    }
  }

  TemporaryFolder folder_;
  std::vector<pid_t> programs_;
};

TEST_F(Launch, EndsItsProgramsHoweverItEnds) {
  for (const int signal : {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    programs_.clear();
    const pid_t launcher = start();
    ::kill(launcher, signal);
    int status = 0;
    EXPECT_EQ(::waitpid(launcher, &status, 0), launcher);
    EXPECT_TRUE(WIFSIGNALED(status));
    expect_all_gone();
    for (const auto& file : fs::directory_iterator(folder_.path(""))) fs::remove(file.path());
  }
}

TEST_F(Launch, EndsThemWhenItsSupervisorIsKilled) {
  const pid_t launcher = start();
  const std::string children = file_text(fmt::format("/proc/{0}/task/{0}/children", launcher));
  ASSERT_FALSE(children.empty());
  ::kill(std::stoi(children), SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(launcher, &status, 0), launcher);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  expect_all_gone();
}

TEST_F(Launch, EndsWhatAFailedRankLeavesBehind) {
  const Finished run = run_peal(fmt::format(
      "launch -n 2 -- sh -c 'sleep 1000 & echo $! >{}; exit 3'", folder_.path("$PEAL_RANK")));
  EXPECT_EQ(run.code, 3);
  for (const char* rank : {"0", "1"}) {
    EXPECT_FALSE(lives(std::stoi(file_text(folder_.path(rank))))) << rank;
  }
}

TEST_F(Launch, LeavesItsRanksInItsProcessGroup) {
  const Finished run = run_peal("launch -n 2 -- sh -c 'ps -o pgid= -p $$,$PPID | sort -u | wc -l'");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "1\n1\n");
}

// Programs get the signals that the launcher does not block.
TEST_F(Launch, BlocksNoSignalsOfPrograms) {
  const Finished run = run_peal("launch -n 1 -- sh -c 'grep SigBlk /proc/self/status'");
  EXPECT_EQ(run.out, "SigBlk:\t0000000000000000\n");
  EXPECT_EQ(run_peal("launch -n 1 -- sh -c 'kill -TERM $$'").code, 128 + SIGTERM);
}

TEST_F(Launch, TellsTheCodeWhereSigchldIsIgnored) {
  EXPECT_EQ(
      run_program("/bin/sh", "-c \"trap '' CHLD; '" PEAL_BINARY "' launch -n 2 -- true\"").code, 0);
}

}  // namespace
}  // namespace peal
