// SPDX-License-Identifier: Apache-2.0
// Whole sources as others write them: what they include, how they define the ISA's qualifiers, and
// shims by the older and the newer names.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "peal/base/error.h"
#include "peal/launch/case_run.h"
#include "tests/support/program.h"

namespace peal {
namespace {

// What comes of a kernel, and a shim unless it is empty, with arguments `in` of i + rank and `out`
// of 64 floats each, a window of 256, the scalar 3 and a context, when `out` has to be `expected`.
std::string outcome(const std::string& kernel, const std::string& shim = "",
                    const std::string& expected = "i + rank") {
  const TemporaryFolder folder;
  std::ofstream(folder.path("kernel.cpp")) << kernel;
  if (!shim.empty()) std::ofstream(folder.path("orch.cpp")) << shim;
  std::ofstream(folder.path("case.toml"))
      << "ranks = [2]\ntolerance = 0.0\nargs = [ { in = \"f32[64]\", fill = \"i + rank\" }, "
         "{ out = \"f32[64]\" }, { window = \"scratch\" }, { scalar = 3 }, { context = true } ]\n"
      << "expect = { out0 = \"" << expected << "\" }\n"
      << "[[kernel]]\nid = 0\nfile = \"kernel.cpp\"\n[window.scratch]\ndtype = \"f32\"\n"
         "count = 256\n"
      << (shim.empty() ? "" : "[orchestration]\nfile = \"orch.cpp\"\nname = \"copy\"\n");
  try {
    const CaseFile file = read_case_file(folder.path("case.toml"));
    return run_case(file, {.ranks = 2}).mismatch.value_or("passed");
  } catch (const Error& error) {
    return error.what();
  }
}

constexpr const char* copy_body = R"x(
extern "C" __aicore__ __attribute__((always_inline)) void kernel_entry(__gm__ int64_t *args) {
  __gm__ Tensor *in = reinterpret_cast<__gm__ Tensor *>(args[0]);
  __gm__ Tensor *out = reinterpret_cast<__gm__ Tensor *>(args[1]);
  using Vector = pto::GlobalTensor<float, pto::Shape<1, 1, 1, 1, 64>, pto::Stride<1, 1, 1, 1, 1>>;
  using VectorTile = pto::Tile<pto::TileType::Vec, float, 1, 64>;
  Vector from((__gm__ float *)in->buffer.addr + in->start_offset);
  Vector to((__gm__ float *)out->buffer.addr + out->start_offset);
  VectorTile tile;
  TASSIGN(tile, 0);
  TLOAD(tile, from);
  set_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0);
  wait_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0);
  TSTORE(to, tile);
  pipe_barrier(PIPE_ALL);
}
)x";

constexpr const char* includes = "#include <pto/pto-inst.hpp>\n#include \"tensor.h\"\n";

// The kernel, with `first` before its includes and `then` behind them.
std::string copying(const std::string& first = "", const std::string& then = "") {
  return fmt::format("{}{}{}{}", first, includes, then, copy_body);
}

TEST(PtoSpelling, EveryHeaderStandsAlone) {
  for (const char* header :
       {"pto/pto-inst.hpp", "pto/comm/pto_comm_inst.hpp", "pto/comm/comm_types.hpp",
        "pto/comm/async_common/async_types.hpp", "pto/common/constants.hpp",
        "pto/common/pto_tile.hpp", "platform_comm/comm_context.h", "tensor.h", "intrinsic.h",
        "pipe_sync.h"}) {
    const std::string first = fmt::format("#include \"{0}\"\n#include <{0}>\n", header);
    EXPECT_EQ(outcome(copying(first)), "passed") << header;
  }
}

TEST(PtoSpelling, QualifiersAreDefinedBeforeOrNot) {
  EXPECT_EQ(outcome(copying()), "passed");
  EXPECT_EQ(outcome(copying("#ifndef __aicore__\n#define __aicore__ [aicore]\n#endif\n"
                            "#ifndef __gm__\n#define __gm__\n#endif\n")),
            "passed");
  EXPECT_EQ(outcome(copying("#include <cstdint>\n",
                            "#ifndef __gm__\n#define __gm__\n#endif\nusing namespace pto;\n")),
            "passed");
  EXPECT_EQ(outcome(copying("#ifdef __CPU_SIM\n#error simulated\n#endif\n")), "passed");
}

TEST(PtoSpelling, NamesOfTheKernelsOwnAreNotInTheWay) {
  EXPECT_EQ(outcome(copying(
                "",
                "static constexpr int T = 8, N = 2, M = 3, K = 4, L = 5, R = 6, D = 64;\n"
                "struct host {}; struct detail {}; enum Kind { tile, store, here };\n"
                "namespace { template <typename T_> AICORE constexpr inline T_ Up(T_ a, T_ b) {"
                " return (a + b - 1) / b * b; }\n"
                "template <int n> struct Count { static constexpr int value = n; }; }\n"
                "static __aicore__ int twice(__gm__ int64_t *a) { return a ? Up<int>(T, 2) : "
                "Count<N>::value; }\n")),
            "passed");
}

constexpr const char* config =
    "extern \"C\" __attribute__((visibility(\"default\"))) PTO2OrchestrationConfig copy_config("
    "const ChipTaskArgs &args) { (void)args; return PTO2OrchestrationConfig{"
    ".expected_arg_count = 5}; }\n";

std::string shim(const std::string& body, const std::string& type = "ChipTaskArgs") {
  return fmt::format(
      "#include <stdint.h>\n\n#include \"pto_orchestration_api.h\"\n{}extern \"C\" "
      "__attribute__((visibility(\"default\"))) void copy(const {} &args) {{ {} }}\n",
      config, type, body);
}

TEST(PtoSpelling, ShimsSubmitByTheNewerAndTheOlderNames) {
  const std::string kernel = copying();
  EXPECT_EQ(outcome(kernel, shim("CoreTaskArgs p; p.add_input(args.tensor(0).ref());"
                                 " p.add_output(args.tensor(1).ref());"
                                 " p.add_inout(args.tensor(2).ref()); p.add_scalar(args.scalar(0));"
                                 " p.add_scalar(args.scalar(1)); rt_submit_aiv_task(0, p);")),
            "passed");
  EXPECT_EQ(outcome(kernel, shim("Tensor in = from_tensor_arg(args.tensor(0));"
                                 " Tensor out = from_tensor_arg(args.tensor(1)); Arg p;"
                                 " p.add_input(in); p.add_output(out);"
                                 " p.add_no_dep(from_tensor_arg(args.tensor(2)));"
                                 " p.add_scalar(uint64_t(7)); rt_submit_aiv_task(0, p);",
                                 "ChipStorageTaskArgs")),
            "passed");
  EXPECT_EQ(outcome(kernel, shim("const ChipTensor &in = args.tensor(0).ref();"
                                 " ChipTensor out = args.tensor(1).ref(); CoreTaskArgs p;"
                                 " p.add_no_dep(in); p.add_no_dep(out);"
                                 " for (int i = 0; i < (int)args.scalar(0); ++i)"
                                 " rt_submit_aiv_task(0, p);")),
            "passed");
  EXPECT_EQ(outcome(kernel, shim("Tensor half = args.tensor(0).ref(); half.start_offset = 0;"
                                 " Arg p; p.add_input(half).add_output(args.tensor(1).ref());"
                                 " p.add_scalar(1).add_scalar(2); rt_submit_aiv_task(0, p);")),
            "passed");
}

TEST(PtoSpelling, WhatAChipOrACoreDoesNotTakeIsRefused) {
  const std::string kernel = copying();
  const std::string many =
      outcome(kernel, shim("CoreTaskArgs p; for (int i = 0; i < 33; ++i)"
                           " p.add_input(args.tensor(0).ref()); rt_submit_aiv_task(0, p);"));
  EXPECT_NE(many.find("task of kernel 0 has 33 tensors and 0 scalars; a core takes 32 and 16"),
            std::string::npos)
      << many;
  EXPECT_NE(many.find("orch.cpp:5"), std::string::npos) << many;
  const std::string missing = outcome(kernel, shim("args.tensor(3).ref();"));
  EXPECT_NE(missing.find("it asks for a tensor that it was not given"), std::string::npos);
  const std::string scalar = outcome(kernel, shim("args.scalar(2);"));
  EXPECT_NE(scalar.find("it asks for a scalar that it was not given"), std::string::npos);
}

TEST(PtoSpelling, ATaskThatIsNotSubmittedWritesNothing) {
  const std::string text = outcome(copying(), shim(""));
  EXPECT_NE(text.find("element 0 of call 0 is nan"), std::string::npos) << text;
}

}  // namespace
}  // namespace peal
