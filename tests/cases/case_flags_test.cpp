// SPDX-License-Identifier: Apache-2.0
// Kernels that are described by flags instead of a case file.
#include "peal/cases/case_flags.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "peal/base/error.h"
#include "tests/support/program.h"

namespace peal {
namespace {

const std::string gather =
    "'" PEAL_SOURCE_DIR "/examples/pto/all_gather/kernel.cpp' --include '" PEAL_SOURCE_DIR
    "/examples/pto/include' ";
const std::string gather_arguments =
    "--arg 'in f32[N] fill=i+100*rank' --arg 'out f32[N * P]' --arg 'window scratch' "
    "--arg 'scalar N' --arg 'scalar call' --arg context --value N=250 --value 'half = (N + "
    "15)/16*16' "
    "--window 'scratch f32[2*half + 16]' ";

TEST(CaseFlags, DescribeAKernelThatPasses) {
  const Finished finished = run_peal("run " + gather + gather_arguments +
                                     "--expect all_gather=true --calls 3 -n 3 --tolerance 0");
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("3 ranks, 3 calls"), std::string::npos) << finished.out;
  EXPECT_TRUE(finished.out.ends_with("\nPASS\n")) << finished.out;
}

TEST(CaseFlags, AWrongExpectationFails) {
  const Finished finished =
      run_peal("run " + gather + gather_arguments + "--expect 'out0=i + rank' -n 2");
  EXPECT_EQ(finished.code, 1) << finished.err;
  EXPECT_NE(finished.out.find("\nFAIL: rank 0 args[1] element 250 of call 0 is 100, expected 250"),
            std::string::npos)
      << finished.out;
  const Finished without = run_peal("run " + gather + gather_arguments + "-n 2");
  EXPECT_TRUE(without.out.ends_with("\nDONE\n")) << without.out;
}

TEST(CaseFlags, MistakesAreMisuse) {
  const TemporaryFolder folder;
  std::ofstream(folder.path("kernel.cpp")) << "extern \"C\" void kernel_entry(long*) {}\n";
  const auto misuse = [&](const std::string& flags, const std::string& sentence) {
    const Finished finished = run_peal("run '" + folder.path("kernel.cpp") + "' " + flags);
    EXPECT_EQ(finished.code, 2) << flags;
    EXPECT_EQ(finished.out, "") << flags;
    EXPECT_NE(finished.err.find(sentence), std::string::npos) << flags << ": " << finished.err;
  };
  misuse("", "and no case; describe its arguments by --arg");
  misuse("--arg in", "--arg `in` says too little; give a kind and what it is of");
  misuse("--arg 'in f32[4]'", "flags: `args[0].fill` is missing; see docs/case_files.md");
  misuse("--arg 'put f32[4]'",
         "--arg `put f32[4]` begins with `put`, which is no kind of argument; use one of in, out");
  misuse("--arg context", "`args[0].context` is true, but the case has 0 windows; declare one");
  misuse("--arg 'window w'",
         "--arg `window w` names window `w`, which no --window describes; add --window 'w f32");
  misuse("--arg 'out f32[4' --core aiv", "it must be a dtype and a count such as `f32[64 * P]`");
  misuse("--arg 'scalar N'", "`N` at column 1 is unknown");
  misuse("--window w", "--window `w` says too little; give a name, a dtype and a count");
  misuse("--window 'w f32[4]' --window 'w f32[4]'", "give each name once");
  misuse("--arg 'out f32[4]' --expect out0", "--expect `out0` says too little");
  misuse("--arg 'out f32[4]' --expect out1=3", "`expect.out1` is neither a collective nor one of");
  misuse("--value P=3", "`values.P` means something else in expressions; rename it");
  misuse("--arg 'scalar 1' --tolerance much", "--tolerance `much` is no number");
  misuse("--arg 'scalar 1' --core gpu", "it must be `aiv` or `aic`");
  misuse("--arg 'scalar 1' --blocks 2 --cores 1", "`cores` is 1, fewer than the 2 blocks");
  misuse("--arg 'scalar 1' --include nowhere",
         "which is no folder; name one relative to the working");
  misuse("--arg 'scalar 1' --case x.toml", "has a case, and --arg describes one, too");
  misuse("--arg 'in f32[4] fil=3'", "has `fil=3` behind its count, which is unknown; use fill=");
  misuse("--arg 'context nope'", "names window `nope`, which no --window describes");
  misuse("--window 'w f32[4] fil=3'", "has `fil=3` behind its count");
}

TEST(CaseFlags, SayWhatACaseFileSays) {
  const TemporaryFolder folder;
  std::ofstream(folder.path("kernel.cpp")) << "";
  CaseFlags flags;
  EXPECT_FALSE(flags.any());
  flags.kernel = folder.path("kernel.cpp");
  flags.args = {
      "in f32[2*N] fill=i % 7", "inout  i16[4]   fill=rand(3)", "temp u8[8]", "out bf16[N]",
      "window \"a\"",           "scalar max(1, P - 1)",         "context"};
  flags.windows = {"b f32[4]"};
  flags.values = {"N = 2*P", "M=N+1"};
  flags.expected = {"out1=M"};
  flags.blocks = "2";
  flags.cores = "3";
  flags.core = "aic";
  EXPECT_TRUE(flags.any());
  EXPECT_THROW(static_cast<void>(case_of_flags(flags)), Error);  // no window `"a"`
  flags.args[4] = "window b";
  const CaseFile file = case_of_flags(flags);
  ASSERT_EQ(file.arguments.size(), 7u);
  EXPECT_EQ(file.arguments[0].number.expression.text(), "2*N");
  ASSERT_TRUE(file.arguments[0].fill);
  EXPECT_EQ(file.arguments[0].fill->number.expression.text(), "i % 7");
  EXPECT_EQ(file.arguments[1].kind, ArgumentKind::inout);
  EXPECT_TRUE(file.arguments[1].fill->random);
  EXPECT_EQ(file.arguments[1].dtype, DType::i16);
  EXPECT_FALSE(file.arguments[2].fill);
  EXPECT_EQ(file.arguments[6].kind, ArgumentKind::context);
  EXPECT_EQ(file.kernels.at(0).core, CoreType::aic);
  EXPECT_EQ(file.kernels.at(0).file, folder.path("kernel.cpp"));
  ASSERT_EQ(file.expected_outputs.size(), 1u);
  EXPECT_EQ(file.expected_outputs[0].argument, 3u);
  EXPECT_EQ(file.values.at(1).name, "M");
  EXPECT_TRUE(file.blocks && file.cores);
}

}  // namespace
}  // namespace peal
