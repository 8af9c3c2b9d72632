// SPDX-License-Identifier: Apache-2.0
// Peal kernels of a user's own: from a source file, or written in the program.
#include "peal/launch/kernel_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "peal/base/error.h"
#include "tests/support/program.h"

namespace peal {
namespace {

using Kind = KernelBuffer::Kind;

std::string example(const std::string& name) {
  return fmt::format("{}/examples/kernels/{}.cpp", PEAL_SOURCE_DIR, name);
}

TEST(KernelRun, TheExampleHoldsOnAnyRanksPlatformAndSchedule) {
  const Kernel kernel = load_kernel_file(example("ring_all_reduce"));
  for (int ranks : {1, 2, 3, 4, 7, 16}) {
    for (const char* platform : {"a2a3sim", "a5sim", "hostsim"}) {
      for (const char* schedule : {"virtual", "random:1", "random:2"}) {
        const CaseRunResult result = run_kernel(
            kernel, {.platform = platform, .ranks = ranks, .options = {.schedule = schedule}});
        EXPECT_TRUE(result.compared);
        EXPECT_EQ(result.calls, 2);
        EXPECT_EQ(result.mismatch.value_or(""), "") << ranks << platform << schedule;
      }
    }
  }
}

// Every rank doubles its input by way of a window.
Kernel doubling() {
  return {
      .name = "doubling",
      .run =
          [](Device& self, const KernelArguments& args) {
            self.copy(args.buffer("scratch"), args.buffer("given"));
            self.reduce(args.buffer("doubled"),
                        {{Rank{self.rank()}, args.buffer("given")},
                         {Rank{self.rank()}, args.buffer("scratch")}},
                        ReduceOp::sum);
          },
      .buffers = {{.name = "given", .kind = Kind::input, .count = "5", .fill = "i + 10*call"},
                  {.name = "doubled", .kind = Kind::output, .count = "5"},
                  {.name = "scratch", .count = "5"}},
      .expect = {{.outputs = {"2*i + 20*call"}}},
      .calls = 3,
  };
}

TEST(KernelRun, ElementsBeyondTheEndOfABufferAreRefused) {
  for (const std::size_t count : {std::size_t{6}, std::size_t{0} - 1}) {
    Kernel wrong = doubling();
    wrong.run = [count](Device& self, const KernelArguments& args) {
      self.copy(args.buffer("scratch").part(0, count), args.buffer("given").part(0, count));
    };
    std::string said = "nothing";
    try {
      static_cast<void>(run_kernel(wrong, {}));
    } catch (const Error& error) {
      said = error.what();
    }
    EXPECT_NE(said.find("reach past the end of `given`, which has room for 5"), std::string::npos)
        << said;
  }
}

TEST(KernelRun, OutputsAreComparedInEveryCall) {
  EXPECT_EQ(run_kernel(doubling(), {}).mismatch.value_or("passed"), "passed");
  EXPECT_EQ(run_kernel(doubling(), {.calls = 1}).calls, 1);
  Kernel wrong = doubling();
  wrong.expect->outputs = {"2*i + 20"};
  EXPECT_EQ(run_kernel(wrong, {}).mismatch.value_or("passed"),
            "rank 0 `doubled` element 0 of call 0 is 0, expected 20");
  EXPECT_EQ(run_kernel(wrong, {}).differences[1], 20);
  wrong.expect.reset();
  EXPECT_FALSE(run_kernel(wrong, {}).compared);
}

// Counts the accesses of the caller to each region of rank 0.
class AccessReader final : public EventReader {
 public:
  void read(const Event& event) override {
    if (event.kind == EventKind::region && event.rank == 0) regions[event.address] = event.name;
    const auto region = regions.find(event.address);
    if (region == regions.end()) return;
    if (event.kind == EventKind::scalar_write) ++written[region->second];
    if (event.kind == EventKind::scalar_read) ++read_by_caller[region->second];
  }
  std::map<std::uint64_t, std::string> regions;
  std::map<std::string, int> written, read_by_caller;
};

TEST(KernelRun, WhatTheCallerDoesIsSeenByReaders) {
  AccessReader reader;
  static_cast<void>(run_kernel(doubling(), {.ranks = 2, .options = {.readers = {&reader}}}));
  EXPECT_EQ(reader.written, (std::map<std::string, int>{{"given", 3}}));
  EXPECT_EQ(reader.read_by_caller, (std::map<std::string, int>{{"doubled", 3}}));
}

std::string message(const Kernel& kernel, int ranks = 2) {
  try {
    return run_kernel(kernel, {.ranks = ranks, .time_limit_seconds = 1})
        .mismatch.value_or("passed");
  } catch (const Error& error) {
    return error.what();
  }
}

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(KernelRun, DescriptionsThatMakeNoSenseAreRefused) {
  const auto changed = [](const std::function<void(Kernel&)>& change) {
    Kernel kernel = doubling();
    change(kernel);
    return message(kernel);
  };
  expect_part(changed([](Kernel& k) { k.run = nullptr; }), "kernel `doubling`: `run` is empty");
  expect_part(changed([](Kernel& k) { k.buffers[1].name = "given"; }),
              "`buffers[1].name` is `given`, which is another's");
  expect_part(changed([](Kernel& k) { k.buffers[0].count = "5 * Q"; }), "`buffers[0].count`");
  expect_part(changed([](Kernel& k) { k.buffers[2].count = "rank + 1"; }),
              "`buffers[2].count` is `rank + 1`, which depends on rank");
  expect_part(changed([](Kernel& k) { k.buffers[2].fill = "1"; }), "only inputs are filled");
  expect_part(changed([](Kernel& k) { k.expect->outputs.clear(); }),
              "`expect` gives both a collective and outputs, or neither");
  expect_part(changed([](Kernel& k) { k.expect->outputs.emplace_back("1"); }),
              "has 2 expressions for 1 outputs");
  expect_part(changed([](Kernel& k) { k.expect = {.collective = "reduce_all"}; }),
              "is `reduce_all`, which is unknown; use one of all_reduce, reduce_scatter");
  expect_part(changed([](Kernel& k) { k.calls = 0; }), "`calls` is 0");
  expect_part(changed([](Kernel& k) { k.min_ranks = 3; }), "which 2 ranks are outside of");
  expect_part(changed([](Kernel& k) { k.max_ranks = 0; }), "`max_ranks` is 0");
}

TEST(KernelRun, MistakesOfTheKernelNameTheRank) {
  Kernel kernel = doubling();
  kernel.signals = {{.name = "arrived", .count = "P"}};
  kernel.run = [](Device&, const KernelArguments& args) {
    static_cast<void>(args.signals("arrived")[2]);
  };
  expect_part(message(kernel),
              "row of signals: "
              "signal 2 is not one of its 2");
  kernel.run = [](Device&, const KernelArguments& args) {
    static_cast<void>(args.buffer("landing"));
  };
  expect_part(message(kernel), "kernel `doubling` has no buffer `landing`");
  kernel.run = [](Device& self, const KernelArguments& args) {
    self.wait(args.signals("arrived")[0]);
  };
  expect_part(message(kernel), "deadlock: 2 of 2 ranks wait");
}

// The first block of code in docs/kernels.md.
TEST(KernelRun, TheKernelOfTheDocumentationRuns) {
  const std::string text = file_text(PEAL_SOURCE_DIR "/docs/kernels.md");
  const std::string fence = "```cpp\n";
  const std::size_t begin = text.find(fence) + fence.size();
  const TemporaryFolder folder;
  std::ofstream(folder.path("mine.cpp")) << text.substr(begin, text.find("```", begin) - begin);
  const Kernel kernel = load_kernel_file(folder.path("mine.cpp"));
  for (int ranks : {1, 2, 5}) EXPECT_EQ(message(kernel, ranks), "passed");
}

// A source file, and what comes of running it.
std::string file_message(const std::string& text) {
  const TemporaryFolder folder;
  std::ofstream(folder.path("mine.cpp")) << text;
  try {
    return message(load_kernel_file(folder.path("mine.cpp")));
  } catch (const Error& error) {
    return error.what();
  }
}

std::string source_with_body(const std::string& body) {
  return "#include \"peal/machine/kernel.h\"\n"
         "peal::Kernel peal_kernel() {\n"
         "  return {.run = [](peal::Device& self, const peal::KernelArguments& args) {\n"
         "#line 100\n  " +
         body + "\n}, .buffers = {{.name = \"window\", .count = \"16\"}}};\n}\n";
}

TEST(KernelRun, SourcesThatAreNoKernelsAreRefused) {
  EXPECT_EQ(file_message(source_with_body("")), "passed");
  expect_part(file_message(source_with_body("no_such_function();")), "does not compile:\n");
  expect_part(file_message(source_with_body("no_such_function();")), "no_such_function");
  expect_part(file_message("int peal_kernel_count = 0;"), "does not define peal_kernel; add");
  expect_part(file_message("void missing(); int x = (missing(), 1);"), "cannot be loaded: ");
  // Neither thread nor static memory is a rank's own.
  expect_part(file_message("thread_local int shared;\n" + source_with_body("shared = 1;")),
              "has a thread_local variable, which all ranks here would share; a device has none");
}

TEST(KernelRun, ACrashOfAKernelFileIsReportedAndTheProgramGoesOn) {
  const std::string bad = file_message(source_with_body("*(volatile int*)16 = 1;"));
  expect_part(bad, "on rank 0 core 0: it crashed: it used the bad pointer 0x10");
  expect_part(bad, "mine.cpp:100");
  expect_part(file_message(source_with_body("for (volatile int i = 0;;) i = i + 1;")),
              "ran for 1 s without an instruction of the chip");
  EXPECT_EQ(file_message(source_with_body("")), "passed");
}

TEST(KernelRun, TheCommandLineTellsKernelsApart) {
  const Finished good = run_peal("run " + example("ring_all_reduce") + " -n 3 --calls 4");
  EXPECT_EQ(good.code, 0) << good.err;
  expect_part(good.out, "3 ranks, 4 calls\n");
  EXPECT_TRUE(good.out.ends_with("PASS\n")) << good.out;
  const TemporaryFolder folder;
  std::ofstream(folder.path("other.cpp")) << "int main() {}\n";
  const Finished other = run_peal("run " + folder.path("other.cpp"));
  EXPECT_EQ(other.code, 2);
  expect_part(other.err, "other.cpp` does not define peal_kernel; add");
  std::ofstream(folder.path("pto.cpp")) << "extern \"C\" void kernel_entry(long*) {}\n";
  const Finished pto = run_peal("run " + folder.path("pto.cpp"));
  EXPECT_EQ(pto.code, 2);
  expect_part(pto.err, "pto.cpp` has a kernel_entry and no case; describe its arguments");
  std::ofstream(folder.path("noted.cpp"))
      << "// This is no peal_kernel().\nextern \"C\" void kernel_entry(long*) {}\n";
  const Finished noted =
      run_peal("check " + folder.path("noted.cpp") + " -n 1 --arg 'in f32[8] fill=i'");
  EXPECT_EQ(noted.code, 0) << noted.err;
}

}  // namespace
}  // namespace peal
