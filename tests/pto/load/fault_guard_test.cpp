// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/fault_guard.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

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
