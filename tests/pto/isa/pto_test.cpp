// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "peal/base/error.h"
#include "peal/launch/case_run.h"
#include "tests/support/small_kernel.h"

namespace peal {
namespace {

TEST(Pto, KernelsRunUnmodifiedOnAnyRanksAndSchedule) {
  for (const char* name : {"exchange", "root"}) {
    const std::string path = fmt::format("{}/tests/pto/{}.toml", PEAL_SOURCE_DIR, name);
    for (int ranks : {2, 3, 4, 7, 16}) {
      for (const char* schedule : {"virtual", "random:1", "random:2", "random:3"}) {
        const CaseRunResult result = run_file(path, ranks, schedule);
        EXPECT_TRUE(result.compared);
        EXPECT_EQ(result.mismatch.value_or(""), "") << name << " P=" << ranks << " " << schedule;
      }
    }
    EXPECT_EQ(run_file(path, 4, "virtual", "a5sim").mismatch.value_or(""), "");
    EXPECT_EQ(run_file(path, 4).report.time_ps, run_file(path, 4).report.time_ps);
  }
}

TEST(Pto, ShimsOrderTasksByTheirTensors) {
  const std::string folder = PEAL_SOURCE_DIR "/tests/pto/shim";
  const CaseFile file = read_case_file(folder + "/case.toml");
  for (const char* schedule : {"virtual", "random:1", "random:2", "random:3", "random:4"}) {
    for (int ranks : {1, 2, 8}) {
      const CaseRunResult result =
          run_case(file, {.ranks = ranks, .options = {.schedule = schedule}});
      EXPECT_EQ(result.mismatch.value_or(""), "") << schedule;
    }
  }
}

std::string shim_message(CaseFile file) {
  try {
    return run_case(file, {.ranks = 2}).mismatch.value_or("passed");
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Pto, ShimsThatDoNotFitAreRefused) {
  const CaseFile good = read_case_file(PEAL_SOURCE_DIR "/tests/pto/shim/case.toml");
  CaseFile more = good;
  more.arguments.push_back(more.arguments.back());
  const std::string counts = shim_message(more);
  EXPECT_NE(counts.find("expects 5 arguments, and the case gives 6"), std::string::npos) << counts;
  CaseFile many = good;
  for (int i = 0; i < 126; ++i) many.arguments.push_back(many.arguments.back());
  many.arguments.resize(many.arguments.size() + 253, many.arguments.front());
  const std::string limit = shim_message(many);
  EXPECT_NE(limit.find("is given 257 tensors and 127 scalars; a chip takes 256 and 128"),
            std::string::npos)
      << limit;
  CaseFile unnamed = good;
  unnamed.orchestration->name = "another";
  const std::string symbol = shim_message(unnamed);
  EXPECT_NE(symbol.find("has no symbol `another`"), std::string::npos) << symbol;
  CaseFile renumbered = good;
  renumbered.kernels[0].id = 3;
  const std::string kernel = shim_message(renumbered);
  EXPECT_NE(kernel.find("a task of kernel 0, which the case"), std::string::npos) << kernel;
}

// A shim with a mistake does not take the program down.
TEST(Pto, AShimThatCrashesIsReported) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"volatile int zero = 0; zero = 8 / zero;", "an integer was divided by zero"},
      {"*reinterpret_cast<volatile int*>(8) = 1;", "it used the bad pointer 0x8"},
      {"throw 5;", "throws what is no std::exception"},
      {"throw std::runtime_error(\"no route\");", "throws: no route"},
      {"abort();", "it calls abort(), which would end all ranks"},
      {"for (volatile int i = 0;;) i = 1;", "it ran for 1 s"}};
  const CaseFile good = read_case_file(PEAL_SOURCE_DIR "/tests/pto/shim/case.toml");
  const TemporaryFolder folder;
  for (const auto& [mistake, sentence] : mistakes) {
    std::ofstream(folder.path("orch.cpp"))
        << "#include \"pto_orchestration_api.h\"\n#include <stdexcept>\n#include <stdlib.h>\n"
           "extern \"C\" __attribute__((visibility(\"default\"))) PTO2OrchestrationConfig "
           "twice_orchestration_config(const ChipTaskArgs&) { return {.expected_arg_count = 5}; }\n"
           "extern \"C\" __attribute__((visibility(\"default\"))) void "
           "twice_orchestration(const ChipTaskArgs&) {\n#line 100\n"
        << mistake << "\n}\n";
    CaseFile file = good;
    file.orchestration->file = folder.path("orch.cpp");
    std::string message;
    try {
      message = run_case(file, {.ranks = 2, .time_limit_seconds = 1}).mismatch.value_or("passed");
    } catch (const RunError& error) {
      message = error.what();
    }
    EXPECT_NE(message.find(sentence), std::string::npos) << message;
    const bool has_line = message.find("throws") != std::string::npos ||
                          message.find("orch.cpp:100") != std::string::npos;
    EXPECT_TRUE(has_line) << message;
  }
}

TEST(Pto, AKernelThatWouldEndTheProcessIsReported) {
  const std::string ended = SmallKernel("__builtin_abort();").message();
  EXPECT_NE(ended.find("it calls abort(), which would end all ranks"), std::string::npos) << ended;
  EXPECT_NE(ended.find("kernel.cpp:100"), std::string::npos) << ended;
  const std::string left = SmallKernel("__builtin_exit(0);").message();
  EXPECT_NE(left.find("it calls exit()"), std::string::npos) << left;
}

TEST(Pto, EverySpellingGivesItsValues) {
  const std::string path = PEAL_SOURCE_DIR "/tests/pto/names.toml";
  for (const char* schedule : {"virtual", "random:1", "random:2", "random:3"}) {
    EXPECT_EQ(run_file(path, 2, schedule).mismatch.value_or(""), "") << schedule;
  }
}

TEST(Pto, AWrongElementIsNamed) {
  expect_part(
      SmallKernel("for (int i = 0; i < 16; ++i) out[i] = i == 5 ? 0 : i + 1;" + flush).message(),
      "element 5 of call 0 is 0");
  EXPECT_EQ(SmallKernel("for (int i = 0; i < 16; ++i) out[i] = i + 1;" + flush).message(),
            "passed");
}

TEST(Pto, ReachingPastABufferNamesItTheBytesAndTheLine) {
  expect_part(SmallKernel("RowTile tile(65 - 1); TASSIGN(tile, 0);"
                          " Row row(window + 1, Shape<1, 1, 1, 1, DYNAMIC>(64)); TLOAD(tile, row);")
                  .message(),
              "TLOAD of bytes 4..260 of `scratch` of rank 0, which has 256 bytes");
  expect_part(SmallKernel("pto::comm::Signal signal((int32_t*)(window + 64));"
                          " TNOTIFY(signal, 1, pto::comm::NotifyOp::Set);")
                  .message(),
              "TNOTIFY of bytes 256..260 of `scratch`");
  expect_part(SmallKernel("RowTile tile(64); TASSIGN(tile, 192 * 1024 - 128);").message(),
              "TASSIGN of 256 bytes at 196480 of UB, which has 196608 bytes");
  expect_part(SmallKernel("RowTile tile(8); Row row(window, Shape<1, 1, 1, 1, DYNAMIC>(8));"
                          " TLOAD(tile, row);")
                  .message(),
              "the destination tile has no address");
}

TEST(Pto, RawAccessesPastABufferAreNamedToo) {
  expect_part(SmallKernel("volatile float* p = window; p[64] = 1;").message(),
              "a store of bytes 256..260 of `scratch` of rank 0, which has 256 bytes");
  expect_part(SmallKernel("volatile float* p = out; window[0] = p[16];").message(),
              "a load of bytes 64..68 of `args[0] (out) of call 0` of rank 0, which has 64 bytes");
  expect_part(SmallKernel("static volatile int calls; calls = calls + 1;").message(),
              "a store to a static variable");
  expect_part(SmallKernel("for (;;) ((volatile float*)window)[0] = 1;").message(),
              "it has issued 20000000 instructions and goes on; does its loop end?");
}

TEST(Pto, TransfersThatAreTooLongAreNamed) {
  const std::string rows =
      "Tile<TileType::Vec, int8_t, 9024, 8, BLayout::{}, DYNAMIC, DYNAMIC> tile({}, {});"
      " TASSIGN(tile, 0); GlobalTensor<int8_t, Shape<1, 1, 1, DYNAMIC, DYNAMIC>,"
      " Stride<1, 1, 1, 8, 1>> all((int8_t*)window, Shape<1, 1, 1, DYNAMIC, DYNAMIC>({}, {}));";
  const std::string fits = fmt::format(fmt::runtime(rows), "ColMajor", 4095, 8, 4, 8);
  EXPECT_EQ(SmallKernel(fits + "TLOAD(tile, all); pipe_sync();" + numbers).message(), "passed");
  const std::string loads = fmt::format(fmt::runtime(rows), "ColMajor", 4096, 8, 4, 8);
  const std::string message = SmallKernel(loads + "TLOAD(tile, all);").message();
  expect_part(message, "TLOAD of 4096 rows; one takes at most 4095, so split it");
  expect_part(message, "kernel.cpp:100");
  EXPECT_EQ(SmallKernel(loads + "TSTORE(all, tile); pipe_sync();" + numbers).message(), "passed");
  const std::string stores = fmt::format(fmt::runtime(rows), "ColMajor", 8193, 8, 4, 8);
  expect_part(SmallKernel(stores + "TSTORE(all, tile);").message(),
              "TSTORE of 8193 rows; one takes at most 8192, so split it");
  const std::string wide =
      "Tile<TileType::Vec, float, 2, 8192, BLayout::RowMajor, 2, {0}> tile{1}; TASSIGN(tile, 0);"
      " Row row(window, Shape<1, 1, 1, 1, DYNAMIC>(8)); TSTORE(row, tile);";
  expect_part(SmallKernel(fmt::format(fmt::runtime(wide), "DYNAMIC", "(4096)")).message(),
              "TSTORE of 4096 columns; one takes at most 4095, so split it");
  expect_part(SmallKernel(fmt::format(fmt::runtime(wide), "4096", "")).message(),
              "TSTORE takes at most 4095 columns of several rows");
}

TEST(Pto, IntegersOf16BitsMoveAddAndAddAtomically) {
  const std::string tiles =
      "using Tile16 = Tile<TileType::Vec, {0}, 1, 64, BLayout::RowMajor, 1, DYNAMIC>;"
      " using Row16 = GlobalTensor<{0}, Shape<1, 1, 1, 1, DYNAMIC>, Stride<1, 1, 1, 1, 1>>;"
      " Tile16 a(16), b(16); TASSIGN(a, 0); TASSIGN(b, 1024);"
      " for (int i = 0; i < 16; ++i) {{ a.SetValue(i, i); b.SetValue(i, 65535); }}"
      " set_flag(PIPE_S, PIPE_V, EVENT_ID0); wait_flag(PIPE_S, PIPE_V, EVENT_ID0);"
      " TADD(b, a, b); set_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);"
      " wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);"
      " Row16 row(({0}*)window, Shape<1, 1, 1, 1, DYNAMIC>(16)); TSTORE(row, b);"
      " pipe_barrier(PIPE_MTE3); TSTORE{1}(row, {2}); pipe_sync();"
      " for (int i = 0; i < 16; ++i) out[i] = float(({0})(ld_dev(row.data() + i) - {3})) + 2;";
  const auto text = [&](const char* type, const char* form, const char* tile, const char* less) {
    return fmt::format(fmt::runtime(tiles), type, form, tile, less);
  };
  const char* const atomic = "<Tile16, Row16, AtomicType::AtomicAdd>";
  EXPECT_EQ(SmallKernel(text("int16_t", "", "b", "0") + flush).message(), "passed");
  EXPECT_EQ(SmallKernel(text("uint16_t", "", "a", "1") + flush).message(),
            "rank 0 args[0] element 0 of call 0 is 65537, expected 1");
  EXPECT_EQ(SmallKernel(text("int16_t", atomic, "a", "i") + flush).message(), "passed");
  expect_part(SmallKernel(text("uint16_t", atomic, "a", "i")).message(),
              "TSTORE adds atomically to float, half, bfloat16_t, int32_t, int16_t and int8_t");
}

TEST(Pto, AWaitThatNobodyEndsIsReported) {
  const std::string text = SmallKernel(
                               "pto::comm::Signal signal((int32_t*)window);"
                               " TWAIT(signal, 1, pto::comm::WaitCmp::GE);")
                               .message(2);
  expect_part(text, "deadlock: 2 of 2 ranks wait");
  expect_part(text, "rank 0 waits for the signal at byte 0 of `scratch` to be >= 1, it holds 0");
  expect_part(text, "kernel.cpp:100");
}

TEST(Pto, ACrashNamesRankAndLineAndTheProgramGoesOn) {
  const std::string bad = SmallKernel("*(volatile int*)16 = 1;").message(2);
  expect_part(bad, "kernel error on rank 0 core 0: a store of 4 bytes at the bad pointer 0x10   ");
  expect_part(bad, "kernel.cpp:100");
  const std::string copied = SmallKernel("memcpy(window, (void*)16, (size_t)args[1]);").message();
  expect_part(copied, "at the bad pointer 0x10");
  expect_part(copied, "kernel.cpp:100");
  const std::string called = SmallKernel("reinterpret_cast<void (*)()>(window)();").message();
  expect_part(called, "on rank 0 core 0: it crashed: it used the bad pointer 0x");
  const std::string divided = SmallKernel("volatile int zero = 0; out[0] = 7 / zero;").message();
  expect_part(divided, "an integer was divided by zero");
  expect_part(divided, "kernel.cpp:100");
  const std::string deep = SmallKernel(
                               "struct Deep { static int go(volatile int* p) {"
                               " volatile int a[100]; a[0] = *p;"
                               " return go(a) + a[0]; } }; volatile int x = 1;"
                               " out[0] = Deep::go(&x);")
                               .message();
  expect_part(deep, "its stack of 262144 bytes has overflowed");
  expect_part(deep, "kernel.cpp:100");
  EXPECT_EQ(SmallKernel("for (int i = 0; i < 16; ++i) out[i] = i + 1;" + flush).message(),
            "passed");
}

TEST(Pto, WhatNeverEndsIsEnded) {
  expect_part(SmallKernel("for (volatile int i = 0;;) i = i + 1;").message(),
              "ran for 1 s without an instruction of the chip");
  const std::string polls = SmallKernel(
                                "pto::comm::Signal signal((int32_t*)window);"
                                " while (!TTEST(signal, 1, pto::comm::WaitCmp::GE)) {}")
                                .message(2);
  expect_part(polls, "polls for ever, and nobody is left who could change what it looks at");
  expect_part(polls, "kernel.cpp:100");
}

TEST(Pto, CompilersMessagesReachTheUser) {
  const std::string text = SmallKernel("no_such_function();").message();
  expect_part(text, "does not compile:\n");
  expect_part(text, "no_such_function");
  expect_part(SmallKernel("Tile<TileType::Vec, float, 1, 7> tile;").message(),
              "the columns of a row-major tile fill a multiple of 32 bytes");
  expect_part(SmallKernel("", "another_entry").message(), "has no kernel_entry");
}

TEST(Pto, VectorInstructionsComputeTheirValues) {
  const std::string head =
      "RowTile a(16), b(16), c(16); TASSIGN(a, 0); TASSIGN(b, 1024); TASSIGN(c, 2048);"
      "for (int i = 0; i < 16; ++i) { a.SetValue(i, i); b.SetValue(i, 2); }";
  const std::string tail =
      " set_flag(PIPE_V, PIPE_MTE3, EVENT_ID0); wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID0);"
      " Row result(out, Shape<1, 1, 1, 1, DYNAMIC>(16)); TSTORE(result, c); pipe_sync();";
  EXPECT_EQ(SmallKernel(head + "TADDS(c, a, 1.0f);" + tail).message(), "passed");
  EXPECT_EQ(SmallKernel(head + "TADD(c, a, b); TADDS(c, c, -1);" + tail).message(), "passed");
  EXPECT_EQ(
      SmallKernel(head + "TMUL(c, a, b); TMULS(c, c, 0.5f); TADDS(c, c, 1);" + tail).message(),
      "passed");
  EXPECT_EQ(SmallKernel(head + "TMAX(c, a, b); TMIN(c, c, a); TADDS(c, c, 1);" + tail).message(),
            "passed");
  EXPECT_EQ(SmallKernel(head + "TEXPANDS(c, 1.0f); TADD(c, c, a);" + tail).message(), "passed");
  EXPECT_EQ(SmallKernel(head + "TMOV(b, a); TADDS(c, b, 1);" + tail).message(), "passed");
  EXPECT_EQ(SmallKernel(head +
                        "Tile<TileType::Vec, int32_t, 1, 64, BLayout::RowMajor, 1, DYNAMIC> n(16);"
                        "TASSIGN(n, 4096); TADDS(a, a, 0.75f); TCVT(n, a, RoundMode::CAST_CEIL);"
                        "TCVT(c, n, RoundMode::CAST_NONE);" +
                        tail)
                .message(),
            "passed");
}

}  // namespace
}  // namespace peal
