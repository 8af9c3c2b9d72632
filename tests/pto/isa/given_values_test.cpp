// SPDX-License-Identifier: Apache-2.0
// What a kernel gives an instruction or a verb, and what is none: each is the kernel's mistake, at
// its line, and never a defect of Peal.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "peal/launch/case_run.h"
#include "peal/launch/kernel_run.h"
#include "peal/run/kernel_failure.h"
#include "tests/support/program.h"
#include "tests/support/small_kernel.h"

namespace peal {
namespace {

using Kind = KernelFailure::Kind;

// An instruction, and what is said of it.
struct GivenCase {
  const char* code;
  const char* says;
  Kind kind = Kind::other;
};

const std::vector<GivenCase> instructions = {
    {"TWAIT(cell, 1, static_cast<WaitCmp>(99));", "TWAIT with the value 99, which is no WaitCmp"},
    {"(void)TTEST(cell, 1, static_cast<WaitCmp>(-1));", "TTEST with the value -1"},
    {"TNOTIFY(cell, 1, static_cast<NotifyOp>(2));", "TNOTIFY with the value 2"},
    {"TNOTIFY(odd, 1, NotifyOp::AtomicAdd);", "TNOTIFY on a signal at byte 2 of `scratch`"},
    {"TWAIT(odd, 0, WaitCmp::EQ);", "TWAIT on a signal at byte 2 of `scratch`"},
    {"(void)TTEST(odd, 0, WaitCmp::EQ);", "TTEST on a signal at byte 2 of `scratch`"},
    {"set_flag(static_cast<pipe_t>(8), PIPE_V, 0);", "set_flag with the value 8"},
    {"wait_flag(PIPE_V, static_cast<pipe_t>(-1), 0);", "wait_flag with the value -1"},
    {"set_flag(PIPE_ALL, PIPE_V, 0);", "set_flag with PIPE_ALL"},
    {"pipe_barrier(static_cast<pipe_t>(99));", "pipe_barrier with the value 99"},
    {"dcci(window, static_cast<cache_line_t>(9));", "dcci with the value 9"},
    {"dsb(static_cast<mem_dsb_t>(9));", "dsb with a value that is no mem_dsb_t"},
    {"TCVT(a, b, static_cast<RoundMode>(7));", "TCVT with the value 7, which is no RoundMode"},
    {"TADD(a, a, whole);", "TADD: the second source is of i32, and the destination of f32"},
    {"TMOV(whole, a);", "TMOV: the source is of f32, and the destination of i32"},
    {"TPUT(to, row, a, static_cast<AtomicType>(9));", "TPUT with a value that is no AtomicType"},
    {"TREDUCE(group, to, a, b, static_cast<ReduceOp>(9));", "TREDUCE with a value that is no"},
    {"TLOAD(a, far);", "TLOAD at address", Kind::out_of_bounds},
    {"TSTORE(far, a);", "TSTORE at address", Kind::out_of_bounds},
    {"TGET(to, far, a);", "TLOAD at address", Kind::out_of_bounds},
    {"TNOTIFY(far_cell, 1, NotifyOp::AtomicAdd);", "TNOTIFY at address", Kind::out_of_bounds},
    {"(void)ld_dev(window + (1L << 40));", "ld_dev at address", Kind::out_of_bounds},
    {"window[1L << 40] = 1;", "a store of 4 bytes at a bad pointer", Kind::out_of_bounds},
    {"volatile float x = window[-(1L << 40)]; (void)x;", "a load of 4 bytes", Kind::out_of_bounds},
    {"memcpy(out, window + (1L << 40), 64);", "bad pointer", Kind::out_of_bounds},
    {"a.SetValue(100000, 1);", "bytes 400000..400004 of on-chip memory", Kind::out_of_bounds},
    {"*(volatile int*)nullptr = 1;", "the bad pointer", Kind::other},
};

// All in one kernel, each on a line of its own, of which `which` chooses one.
std::string source_of_all() {
  std::string source = R"(#include <pto/pto-inst.hpp>
#include <string.h>
#include "pto/comm/pto_comm_inst.hpp"
#include "tensor.h"
using namespace pto;
using namespace pto::comm;
using Row = GlobalTensor<float, Shape<1, 1, 1, 1, DYNAMIC>, Stride<1, 1, 1, 1, 1>>;
template <class T>
using RowTile = Tile<TileType::Vec, T, 1, 16>;
extern "C" void kernel_entry(int64_t* args) {
  auto* out = reinterpret_cast<float*>(reinterpret_cast<Tensor*>(args[0])->buffer.addr);
  auto* window = reinterpret_cast<float*>(reinterpret_cast<Tensor*>(args[1])->buffer.addr);
  Signal cell(reinterpret_cast<int32_t*>(window));
  Signal odd(reinterpret_cast<int32_t*>(reinterpret_cast<char*>(window) + 2));
  Signal far_cell(reinterpret_cast<int32_t*>(window) + (1L << 40));
  Row row(window, Shape<1, 1, 1, 1, DYNAMIC>(16)), to(out, Shape<1, 1, 1, 1, DYNAMIC>(16));
  Row far(window + (1L << 40), Shape<1, 1, 1, 1, DYNAMIC>(16)), rows[2] = {row, row};
  ParallelGroup<Row> group{rows, 2, 0};
  RowTile<float> a, b;
  RowTile<int32_t> whole;
  TASSIGN(a, 0); TASSIGN(b, 64); TASSIGN(whole, 128);
  switch (args[2]) {
#line 100
)";
  for (std::size_t i = 0; i < instructions.size(); ++i) {
    source += fmt::format("    case {}: {{ {} }} break;\n", i, instructions[i].code);
  }
  return source + "  }\n}\n";
}

TEST(GivenValues, OfInstructionsAreRefusedAtTheKernelsLine) {
  const TemporaryFolder folder;
  std::ofstream(folder.path("kernel.cpp")) << source_of_all();
  std::ofstream(folder.path("case.toml"))
      << "ranks = [1]\ncalls = 1\nargs = [ { out = \"f32[16]\" }, { window = \"scratch\" }, { "
         "scalar = \"which\" } ]\n[[kernel]]\nid = 0\nfile = \"kernel.cpp\"\n[values]\nwhich = 0\n"
         "[window.scratch]\ndtype = \"f32\"\ncount = 64\n";
  for (std::size_t i = 0; i < instructions.size(); ++i) {
    const GivenCase& given = instructions[i];
    const CaseFile file = read_case_file(folder.path("case.toml"), {{"which", std::to_string(i)}});
    try {
      static_cast<void>(run_case(file, {.ranks = 1}));
      ADD_FAILURE() << given.code;
    } catch (const KernelFailure& failure) {
      EXPECT_NE(failure.what_happened().find(given.says), std::string::npos)
          << given.code << ": " << failure.what();
      EXPECT_EQ(failure.kind(), given.kind) << failure.what();
      EXPECT_EQ(failure.rank(), 0);
      EXPECT_EQ(failure.place().line, 100 + i) << failure.what();
    }
  }
}

// A verb of rank 1 of 2, and what is said of it.
struct Verb {
  std::function<void(Device&, const KernelArguments&)> call;
  const char* says;
  Kind kind = Kind::other;
};

constexpr std::size_t far_bytes = std::size_t{1} << 42;

View far_off(View view) { return {view.data + far_bytes, view.count, view.dtype}; }
View nowhere(View view) { return {nullptr, view.count, view.dtype}; }
View of_type(View view, int dtype) { return {view.data, view.count, static_cast<DType>(dtype)}; }

std::vector<Verb> verbs() {
  constexpr const char* far_says = "which is no memory of rank 1";
  constexpr Kind outside = Kind::out_of_bounds;
  const auto on = [](auto call) {
    return [call](Device& self, const KernelArguments& args) {
      call(self, args.buffer("in"), args.buffer("window"), args.signals("cell")[0]);
    };
  };
#define PEAL_TEST_VERB(...)                                                                    \
  on([]([[maybe_unused]] Device& self, [[maybe_unused]] View in, [[maybe_unused]] View window, \
        [[maybe_unused]] Signal cell) { __VA_ARGS__; })
  return {
      {PEAL_TEST_VERB(self.copy(far_off(in), in)), far_says, outside},
      {PEAL_TEST_VERB(self.copy(in, far_off(in))), far_says, outside},
      {PEAL_TEST_VERB(self.copy(in, nowhere(in))), far_says, outside},
      {PEAL_TEST_VERB(self.copy(nowhere(in), in)), far_says, outside},
      {PEAL_TEST_VERB(self.put(Rank{0}, window, far_off(in))), far_says, outside},
      {PEAL_TEST_VERB(self.put(Rank{0}, far_off(window), in)), "not in a window", outside},
      {PEAL_TEST_VERB(self.get(far_off(in), Rank{0}, window)), far_says, outside},
      {PEAL_TEST_VERB(self.get(in, Rank{0}, far_off(window))), "not in a window", outside},
      {PEAL_TEST_VERB(self.reduce(in, far_off(in), ReduceOp::sum)), far_says, outside},
      {PEAL_TEST_VERB(self.reduce(far_off(in), in, ReduceOp::sum)), far_says, outside},
      {PEAL_TEST_VERB(self.put_reduce(Rank{0}, window, far_off(in), ReduceOp::sum)), far_says,
       outside},
      {PEAL_TEST_VERB(self.put_notify(Rank{0}, window, far_off(in), cell)), far_says, outside},
      {PEAL_TEST_VERB(static_cast<void>(self.read(far_off(in)))), far_says, outside},
      {PEAL_TEST_VERB(static_cast<void>(self.write(far_off(in)))), far_says, outside},
      {PEAL_TEST_VERB(self.wait(Signal{})), far_says, outside},
      {PEAL_TEST_VERB(static_cast<void>(self.poll(Signal{}))), far_says, outside},
      {PEAL_TEST_VERB(self.notify(Rank{0}, Signal{cell.cell + far_bytes / 64})), far_says, outside},
      {PEAL_TEST_VERB(std::byte* const odd = reinterpret_cast<std::byte*>(cell.cell) + 1;
                      SignalCell * other; std::memcpy(&other, &odd, sizeof(odd));
                      self.notify(Rank{0}, Signal{other})),
       "which is no multiple of 64 bytes"},
      {PEAL_TEST_VERB(self.reduce(in, in, static_cast<ReduceOp>(99))), "no ReduceOp"},
      {PEAL_TEST_VERB(self.put_reduce(Rank{0}, window, in, static_cast<ReduceOp>(99))),
       "no ReduceOp"},
      {PEAL_TEST_VERB(self.copy(of_type(in, 99), of_type(in, 99))), "no DType"},
      {PEAL_TEST_VERB(self.put(Rank{0}, of_type(window, 12), of_type(in, 12))), "no DType"},
      {PEAL_TEST_VERB(static_cast<void>(Chunks(in.part(0, 8), 3, 20).whole())), "no single view"},
      {PEAL_TEST_VERB(static_cast<void>(payload(cell, 11, DType::f32))), "has room for 40 bytes",
       outside},
  };
#undef PEAL_TEST_VERB
}

TEST(GivenValues, OfVerbsAreRefusedAtTheKernelsLine) {
  static const std::vector<Verb> all = verbs();
  static std::size_t which = 0;
  Kernel kernel{.name = "given",
                .run =
                    [](Device& self, const KernelArguments& args) {
                      if (self.rank() == 1) all[which].call(self, args);
                    },
                .buffers = {{.name = "in", .kind = KernelBuffer::Kind::inout, .count = "64"},
                            {.name = "window", .count = "64"}},
                .signals = {{.name = "cell", .count = "1"}}};
  for (which = 0; which < all.size(); ++which) {
    try {
      static_cast<void>(run_kernel(kernel, {.ranks = 2}));
      ADD_FAILURE() << which;
    } catch (const KernelFailure& failure) {
      EXPECT_NE(failure.what_happened().find(all[which].says), std::string::npos)
          << which << ": " << failure.what();
      EXPECT_EQ(failure.kind(), all[which].kind) << which << ": " << failure.what();
      EXPECT_EQ(failure.rank(), 1);
    }
  }
}

}  // namespace
}  // namespace peal
