// SPDX-License-Identifier: Apache-2.0
#include "tests/support/wrong_kernels.h"

#include <fmt/format.h>

namespace peal {
namespace {

constexpr const char* headers = R"(
#include <cmath>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>
)";

const std::vector<WrongKernel>& pto_kernels() {
  static const std::vector<WrongKernel> kernels = {
      {.name = "drain_in_destructor",
       .body = "G g; wait(p.signals.own, 5);",
       .outside = "struct G { ~G() { drain(); } };",
       .says = "deadlock"},
      {.name = "flags_in_destructor",
       .body = "G g; wait(p.signals.own, 5);",
       .outside = "struct G { G() { set_flag(PIPE_V, PIPE_MTE3, 0); } ~G() { wait_flag(PIPE_V, "
                  "PIPE_MTE3, 0);"
                  " } };",
       .says = "deadlock"},
      {.name = "wait_in_noexcept",
       .body = "f(p.signals.own);",
       .outside = "static void f(int32_t* c) noexcept { wait(c, 5); }",
       .says = "deadlock"},
      {.name = "store_past_the_end_in_noexcept",
       .body = "f(p.in);",
       .outside = "static void f(float* x) noexcept { *(volatile float*)(x + 100) = 1; }",
       .says = "out_of_bounds"},
      {.name = "catch_all_around_wait",
       .body = "try { wait(p.signals.own, 5); } catch (...) { }",
       .says = "deadlock"},
      {.name = "catch_all_for_ever",
       .body = "for (;;) try { wait(p.signals.own, 5); } catch (...) { }",
       .says = "deadlock"},
      {.name = "catch_all_around_bad_flag",
       .body = "for (;;) try { set_flag(PIPE_V, PIPE_S, 9); } catch (...) { }",
       .says = "event id 9"},
      {.name = "throws_int", .body = "throw 1;", .says = "crash"},
      {.name = "throws_runtime_error",
       .body = "throw std::runtime_error(\"no luck\");",
       .says = "no luck"},
      {.name = "throws_string", .body = "throw std::string(\"text\");", .says = "crash"},
      {.name = "throws_in_noexcept",
       .body = "f();",
       .outside = "static void f() noexcept { throw std::runtime_error(\"x\"); }",
       .says = "noexcept"},
      {.name = "throws_in_destructor",
       .body = "G g;",
       .outside = "struct G { ~G() { throw 2; } };",
       .says = "crash"},
      {.name = "terminates", .body = "std::terminate();", .says = "terminate"},
      {.name = "aborts", .body = "std::abort();", .says = "abort()"},
      {.name = "exits", .body = "std::exit(3);", .says = "exit()"},
      {.name = "exits_at_once", .body = "_exit(3);", .says = "_exit()"},
      {.name = "exits_as_in_c", .body = "std::_Exit(3);", .says = "_Exit()"},
      {.name = "exits_quickly", .body = "std::quick_exit(3);", .says = "quick_exit()"},
      {.name = "exits_by_system_call",
       .body = "syscall(SYS_exit_group, 3);",
       .is_ours = false,
       .says = "exit code 3"},
      {.name = "kills_itself", .body = "raise(SIGKILL);", .is_ours = false, .says = "SIGKILL"},
      {.name = "terminates_itself", .body = "raise(SIGTERM);", .is_ours = false, .says = "SIGTERM"},
      {.name = "null_pointer", .body = "*(volatile int*)nullptr = 1;", .says = "bad pointer"},
      {.name = "wild_pointer",
       .body = "volatile int x = *(volatile int*)0x123456789000; (void)x;",
       .says = "bad pointer"},
      {.name = "null_function",
       .body = "((void (*)())nullptr)();",
       .is_ours = false,
       .says = "crash"},
      {.name = "endless_recursion",
       .body = "volatile int n = f(1); (void)n;",
       .outside =
           "static int f(int n) { volatile char room[512]; room[n % 512] = 1; return f(n + 1) + "
           "room[0];"
           " }",
       .says = "stack"},
      {.name = "division_by_zero",
       .body = "volatile int zero = 0; volatile int x = 7 / zero; (void)x;",
       .says = "divided by zero"},
      {.name = "trap", .body = "__builtin_trap();", .says = "illegal instruction"},
      {.name = "breakpoint", .body = "asm volatile(\"int3\");", .says = "trap"},
      {.name = "empty_loop",
       .body = "for (volatile int i = 0;; ) i = 0;",
       .says = "without an instruction"},
      {.name = "loop_in_libm",
       .body = "volatile double x = 1.1; for (;;) x = std::sin(x) + std::exp(-x);",
       .is_ours = false,
       .says = "without an instruction"},
      {.name = "loop_in_libc",
       .body = "static char text[65536]; volatile std::size_t n = 0; for (;;) n += strlen(text);",
       .is_ours = false,
       .says = "without an instruction"},
      {.name = "loop_of_malloc",
       .body = "for (;;) { void* volatile m = std::malloc(100); std::free(m); }",
       .is_ours = false,
       .says = "crash"},
      {.name = "loop_of_printf",
       .body = "for (;;) std::snprintf(text, sizeof text, \"%d\", p.me);",
       .outside = "static char text[64];",
       .is_ours = false,
       .says = "crash"},
      {.name = "loop_of_dcci",
       .body = "for (;;) dcci(p.in, SINGLE_CACHE_LINE);",
       .says = "instructions"},
      {.name = "loop_of_dsb", .body = "for (;;) dsb(DSB_DDR);", .says = "instructions"},
      {.name = "loop_of_tassign", .body = "for (;;) tile(0, 8);", .says = "without an instruction"},
      {.name = "loop_of_queries",
       .body = "volatile long n = 0; for (;;) n = n + get_block_idx();",
       .says = "without an instruction"},
      {.name = "loop_of_notifies",
       .body = "for (;;) notify(p.signals.of(0), 1);",
       .says = "rank 1"},
      {.name = "loop_of_barriers",
       .body = "for (;;) pipe_barrier(PIPE_ALL);",
       .says = "instructions"},
      {.name = "loop_of_flags",
       .body = "for (;;) { set_flag(PIPE_S, PIPE_V, 0); wait_flag(PIPE_S, PIPE_V, 0); }",
       .says = "instructions"},
      {.name = "loop_of_stores",
       .body = "for (;;) st_dev(1.0f, p.data.own);",
       .says = "instructions"},
      {.name = "loop_of_looks", .body = "while (ld_dev(p.data.own) != 7.0f) {}", .says = "rank 1"},
      {.name = "loop_of_polls",
       .body = "while (!test(p.signals.own, 5)) {}",
       .says = "looks at byte 0 of `signals` until it finds something else"},
      {.name = "sleeps",
       .body = "sleep(1000);",
       .is_ours = false,
       .says = "waits for something of the system"},
      {.name = "pauses", .body = "for (;;) pause();", .is_ours = false, .says = "crash"},
      {.name = "locks_twice",
       .body = "pthread_mutex_lock(&m); pthread_mutex_lock(&m);",
       .outside = "static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;",
       .is_ours = false,
       .says = "crash"},
      {.name = "initialiser_throws",
       .body = "",
       .outside = "struct S { S() { throw 1; } }; static S s;",
       .says = "initialiser"},
      {.name = "initialiser_aborts",
       .body = "",
       .outside = "struct S { S() { std::abort(); } }; static S s;",
       .says = "abort()"},
      {.name = "initialiser_exits",
       .body = "",
       .outside = "struct S { S() { std::exit(0); } }; static S s;",
       .says = "exit()"},
      {.name = "initialiser_loops",
       .body = "",
       .outside = "struct S { S() { for (volatile int i = 0;;) i = 1; } }; static S s;",
       .says = "initialiser"},
      {.name = "initialiser_crashes",
       .body = "",
       .outside = "struct S { S() { *(volatile int*)8 = 1; } }; static S s;",
       .says = "initialiser"},
      {.name = "static_vector",
       .body = "volatile int x = p.me; (void)x;",
       .outside = "static const std::vector<int> order = {0, 1, 2};",
       .is_right = true},
      {.name = "static_destructor",
       .body = "",
       .outside = "struct S { ~S() { std::abort(); } }; static S s;",
       .is_right = true},
      {.name = "static_in_function",
       .body = "volatile double x = table(); (void)x;",
       .outside =
           "static double table() { static const double value = std::sqrt(2.0 * getpid()); return "
           "value;"
           " }",
       .is_right = true},
      {.name = "static_counter",
       .body = "++calls;",
       .outside = "static int calls = 0;",
       .says = "static variable"},
      {.name = "huge_shape",
       .body = "pto::GlobalTensor<float, pto::Shape<>, pto::Stride<>> g(p.in, "
               "pto::Shape<>(2147483647L, 2147483647L, 1, 1, 1), pto::Stride<>(0, 0, 0, 0, 1)); "
               "Tile t = tile(0, 1); TLOAD(t, g);",
       .is_right = true},
      {.name = "huge_stride",
       .body = "pto::GlobalTensor<float, pto::Shape<>, pto::Stride<>> g(p.in, pto::Shape<>(1, 1, "
               "1, 2, 8), "
               "pto::Stride<>(0, 0, 0, 9000000000000000000L, 1)); "
               "pto::Tile<pto::TileType::Vec, float, 2, 8> t; TASSIGN(t, 0); TLOAD(t, g);",
       .says = "out_of_bounds"},
      {.name = "negative_valid",
       .body = "Tile t = tile(0, 8); t.SetValidCol(-1); store(p.out, 0, 8); "
               "Row row(p.in, Shape(8)); TLOAD(t, row);",
       .says = "valid part"},
      {.name = "frees_twice",
       .body = "char* volatile m = (char*)std::malloc(64); std::free(m); std::free(m);",
       .is_ours = false,
       .says = "crash"},
      {.name = "smashes_its_heap",
       .body = "char* volatile m = (char*)std::malloc(64); std::free(m + 16);",
       .is_ours = false,
       .says = "crash"},
      {.name = "ignores_faults",
       .body = "signal(SIGSEGV, SIG_IGN); *(volatile int*)nullptr = 1;",
       .says = "bad pointer"},
      {.name = "leaks_a_vector",
       .body = "std::vector<int> v; v.reserve(1000); wait(p.signals.own, 5);",
       .says = "deadlock"},
  };
  return kernels;
}

const std::vector<WrongKernel>& verb_kernels() {
  static const std::vector<WrongKernel> kernels = [] {
    std::vector<WrongKernel> result = {
        {.name = "verb_throws_int", .body = "throw 1;", .says = "no std::exception"},
        {.name = "verb_throws_in_noexcept",
         .body = "f();",
         .outside = "static void f() noexcept { throw std::runtime_error(\"x\"); }",
         .says = "noexcept"},
        {.name = "verb_wait_in_noexcept",
         .body = "f(self, cell);",
         .outside = "static void f(peal::Device& d, peal::Signal s) noexcept { d.wait(s, 5); }",
         .says = "deadlock"},
        {.name = "verb_wrong_in_noexcept",
         .body = "f(self, cell);",
         .outside = "static void f(peal::Device& d, peal::Signal s) noexcept { "
                    "d.notify(peal::Rank{99}, s); }",
         .says = "rank 99"},
        {.name = "verb_catch_all",
         .body = "for (;;) try { self.wait(cell, 5); } catch (...) { }",
         .says = "deadlock"},
        {.name = "verb_notify_in_destructor",
         .body = "G g{self, cell}; self.wait(cell, 5);",
         .outside =
             "struct G { peal::Device& d; peal::Signal s; ~G() { d.notify(peal::Rank{0}, s); } };",
         .says = "deadlock"},
        {.name = "verb_count_below_zero",
         .body = "self.copy(args.buffer(\"out\").part(0, std::size_t{0} - 1), "
                 "args.buffer(\"in\").part(0, std::size_t{0} - 1));",
         .says = "reach past the end of `in`"},
        {.name = "verb_exits", .body = "std::exit(3);", .says = "exit()"},
        {.name = "verb_exits_as_in_c", .body = "std::_Exit(3);", .says = "_Exit()"},
        {.name = "verb_aborts", .body = "std::abort();", .says = "abort()"},
        {.name = "verb_kills_itself",
         .body = "raise(SIGKILL);",
         .is_ours = false,
         .says = "SIGKILL"},
        {.name = "verb_empty_loop",
         .body = "for (volatile int i = 0;;) i = 0;",
         .says = "without an instruction"},
        {.name = "verb_loop_in_libm",
         .body = "volatile double x = 1.1; for (;;) x = std::sin(x);",
         .is_ours = false,
         .says = "without an instruction"},
        {.name = "verb_sleeps",
         .body = "sleep(1000);",
         .is_ours = false,
         .says = "waits for something of the system"},
        {.name = "verb_null_pointer",
         .body = "*(volatile int*)nullptr = 1;",
         .says = "bad pointer"},
        {.name = "verb_static_counter",
         .body = "++calls;",
         .outside = "static int calls = 0;",
         .says = "static variable"},
        {.name = "verb_static_in_function",
         .body = "volatile double x = table(); (void)x;",
         .outside = "static double table() { static const double value = std::sqrt(2.0 * "
                    "getpid()); return "
                    "value; }",
         .is_right = true},
    };
    for (WrongKernel& kernel : result) kernel.in_verbs = true;
    return result;
  }();
  return kernels;
}

// Kernels that take away what limits them, or wait where no signal of the limit is heard.
const std::vector<WrongKernel>& kernels_without_limit() {
  static const std::vector<WrongKernel> kernels = [] {
    std::vector<WrongKernel> result = {
        {.name = "stops_itself", .body = "raise(SIGSTOP);", .says = "stops its process"},
        {.name = "stops_its_process",
         .body = "kill(getpid(), SIGSTOP);",
         .says = "stops its process"},
        {.name = "joins_a_thread_that_spins",
         .body = "pthread_t thread; pthread_create(&thread, nullptr, spin, nullptr); "
                 "pthread_join(thread, nullptr);",
         .outside = "static void* spin(void*) { for (volatile int i = 0;; ) i = 0; }",
         .says = "without an instruction"},
        {.name = "starts_a_thread",
         .body = "std::thread(spin).join();",
         .outside = "static void spin() {}",
         .says = "bad pointer"},
        {.name = "instructs_on_a_thread",
         .body = "pthread_t thread; pthread_create(&thread, nullptr, go, nullptr); "
                 "pthread_join(thread, nullptr);",
         .outside = "static void* go(void*) { dsb(DSB_DDR); return nullptr; }",
         .says = "outside of a kernel's own thread"},
        {.name = "blocks_all_signals",
         .body = "sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, nullptr); "
                 "for (volatile int i = 0;; ) i = 0;",
         .says = "keeps the signals off"},
        {.name = "blocks_the_signals_of_its_thread",
         .body = "sigset_t all; sigfillset(&all); pthread_sigmask(SIG_SETMASK, &all, nullptr); "
                 "for (volatile int i = 0;; ) i = 0;",
         .says = "keeps the signals off"},
        {.name = "stops_the_timer",
         .body = "itimerval off{}; setitimer(ITIMER_VIRTUAL, &off, nullptr); "
                 "for (volatile int i = 0;; ) i = 0;",
         .says = "without an instruction"},
        {.name = "ignores_the_tick",
         .body = "signal(SIGVTALRM, SIG_IGN); for (volatile int i = 0;; ) i = 0;",
         .says = "keeps the signals off"},
        {.name = "handles_the_tick",
         .body = "signal(SIGVTALRM, [](int) {}); for (volatile int i = 0;; ) i = 0;",
         .says = "keeps the signals off"},
        {.name = "waits_for_a_signal",
         .body = "sigset_t all; sigfillset(&all); int got = 0; sigwait(&all, &got); "
                 "for (;;) sigwait(&all, &got);",
         .says = "crash"},
        {.name = "reads_an_empty_pipe",
         .body = "int ends[2]; if (pipe(ends) != 0) return; char c; if (read(ends[0], &c, 1)) {}",
         .says = "waits for something of the system"},
        {.name = "forks_and_waits",
         .body = "const pid_t child = fork(); if (child == 0) for (volatile int i = 0;; ) i = 0; "
                 "waitpid(child, nullptr, 0);",
         .says = "waits for something of the system"},
        {.name = "runs_a_program", .body = "if (system(\"sleep 1000\")) {}", .says = "crash"},
        {.name = "sets_an_alarm", .body = "alarm(1); for (;;) pause();", .says = "SIGALRM"},
        {.name = "sleeps_a_little_for_ever",
         .body = "for (;;) usleep(100);",
         .says = "waits for something of the system"},
        {.name = "asks_the_system_for_ever",
         .body = "for (;;) syscall(SYS_getppid);",
         .says = "without an instruction"},
        {.name = "hides_and_closes_its_files",
         .body = "prctl(PR_SET_DUMPABLE, 0); close_range(3, ~0U, 0); for (;;) pause();",
         .says = "waits for something of the system"},
        {.name = "initialiser_stops",
         .body = "",
         .outside = "struct S { S() { raise(SIGSTOP); } }; static S s;",
         .says = "stops its process"},
        {.name = "initialiser_blocks_signals",
         .body = "",
         .outside = "struct S { S() { sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, "
                    "nullptr); for (volatile int i = 0;;) i = 1; } }; static S s;",
         .says = "keeps the signals off"},
    };
    for (WrongKernel& kernel : result) kernel.is_ours = false;
    WrongKernel in_verbs = result.front();
    in_verbs.name = "verb_stops_itself";
    in_verbs.in_verbs = true;
    result.push_back(in_verbs);
    return result;
  }();
  return kernels;
}

}  // namespace

std::vector<WrongKernel> wrong_kernels() {
  std::vector<WrongKernel> all = pto_kernels();
  all.insert(all.end(), kernels_without_limit().begin(), kernels_without_limit().end());
  all.insert(all.end(), verb_kernels().begin(), verb_kernels().end());
  return all;
}

std::string source_of(const WrongKernel& kernel) {
  if (kernel.in_verbs) {
    return fmt::format(R"(#include "peal/machine/kernel.h"
{}
{}
static void k(peal::Device& self, const peal::KernelArguments& args) {{
  const peal::Signal cell = args.signals("cell")[0];
  static_cast<void>(cell);
  if (self.rank() == 1) {{
    {}
  }}
  self.copy(args.buffer("out"), args.buffer("in"));
}}
peal::Kernel peal_kernel() {{
  using Kind = peal::KernelBuffer::Kind;
  return {{.name = "k", .run = k,
          .buffers = {{{{.name = "in", .kind = Kind::input, .count = "64", .fill = "i"}},
                      {{.name = "out", .kind = Kind::output, .count = "64"}}}},
          .signals = {{{{.name = "cell", .count = "1"}}}}, .expect = {{{{.outputs = {{"i"}}}}}},
          .calls = 1}};
}}
)",
                       headers, kernel.outside, kernel.body);
  }
  return fmt::format(R"(#include "program.h"
{}
using namespace program;
{}
extern "C" __aicore__ void kernel_entry(__gm__ int64_t* args) {{
  const Program p(args);
  if (p.me == 1) {{
    {}
  }}
  put(p.out, p.in);
  drain();
}}
)",
                     headers, kernel.outside, kernel.body);
}

std::string case_of(const std::string& source) {
  return fmt::format(R"(ranks = [4]
calls = 1
include = ["{}/tests/broken/include"]
tolerance = 0.0
args = [ {{ in = "f32[64]", fill = "i + 100*rank" }}, {{ out = "f32[64]" }}, {{ window = "data" }},
         {{ window = "signals" }}, {{ scalar = "0" }}, {{ scalar = "call" }},
         {{ context = "data" }}, {{ context = "signals" }} ]
expect = {{ out0 = "i + 100*rank" }}
[[kernel]]
id = 0
file = "{}"
[window.data]
dtype = "f32"
count = "512"
[window.signals]
dtype = "i32"
count = "256"
)",
                     PEAL_SOURCE_DIR, source);
}

}  // namespace peal
