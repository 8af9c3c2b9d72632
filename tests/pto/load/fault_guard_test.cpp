// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/fault_guard.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <exception>

#include "tests/support/program.h"

namespace peal {
namespace {

// As when it has been sent to a thread that does not run just then.
TEST(FaultGuard, ATickThatArrivesTooLateEndsNothing) {
  EXPECT_EQ(code_of_child([] {
              sigset_t ticks;
              sigemptyset(&ticks);
              sigaddset(&ticks, SIGVTALRM);
              {
                const FaultGuard guard(1);
                ::pthread_sigmask(SIG_BLOCK, &ticks, nullptr);
                ::kill(::getpid(), SIGVTALRM);
              }
              ::pthread_sigmask(SIG_UNBLOCK, &ticks, nullptr);
              return 0;
            }),
            0);
}

// With the handler of one that lay around it as that of before, std::terminate would call itself.
TEST(FaultGuard, LeavesTheTerminateHandlerAsItWasWhenGuardsAreNested) {
  const std::terminate_handler before = std::get_terminate();
  {
    const FaultGuard outer(1);
    const std::terminate_handler guarded = std::get_terminate();
    { const FaultGuard inner(1); }
    EXPECT_EQ(std::get_terminate(), guarded);
  }
  EXPECT_EQ(std::get_terminate(), before);
}

TEST(FaultGuard, EndsByTheHandlerOfBeforeWhereGuardsAreNested) {
  EXPECT_EQ(code_of_child([]() -> int {
              std::set_terminate([] { ::_exit(7); });
              const FaultGuard outer(1);
              const FaultGuard inner(1);
              std::terminate();
            }),
            7);
}

TEST(FaultGuard, LeavesSignalsAndTimerAsTheyWere) {
  EXPECT_EQ(code_of_child([] {
              static int seen = 0;
              ::signal(SIGVTALRM, [](int) { ++seen; });
              const itimerval hour{.it_interval = {3600, 0}, .it_value = {3600, 0}};
              ::setitimer(ITIMER_VIRTUAL, &hour, nullptr);
              { const FaultGuard guard(1); }
              ::raise(SIGVTALRM);
              itimerval left{};
              ::getitimer(ITIMER_VIRTUAL, &left);
              return seen == 1 && left.it_value.tv_sec > 3000 ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace peal
