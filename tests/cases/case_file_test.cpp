// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/case_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/error.h"
#include "peal/cases/case_call.h"
#include "tests/support/case_folder.h"

namespace peal {
namespace {

constexpr const char* full_case = R"(
ranks = [2, 4]
rank_limit = [2, 16]
blocks = 1
cores = 1
calls = 2
include = ["include"]
tolerance = 1e-3
args = [ { in = "f32[256]", fill = "i + 100*rank" }, { out = "f32[256]" }, { window = "scratch" },
         { scalar = "P" }, { context = true } ]
expect = { all_reduce = "sum" }
[[kernel]]
id = 0
file = "kernel.cpp"
core = "aiv"
[orchestration]
file = "orch.cpp"
name = "all_reduce_orchestration"
[window.scratch]
dtype = "f32"
count = "256 + 16"
)";

constexpr const char* two_windows = R"(
ranks = [2]
args = [ { window = "b" }, { window = "a" }, { context = "a" } ]
[[kernel]]
id = 0
file = "kernel.cpp"
[window.b]
dtype = "i32"
count = "16 * P"
[window.a]
dtype = "f16"
count = 5
)";

// `full_case` with `from` replaced by `to`.
std::string changed(std::string_view from, std::string_view to) {
  std::string text = full_case;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

class CaseFileTest : public testing::Test {
 protected:
  CaseFile read(const std::string& text) { return read_case_file(folder_.write(text)); }

  // The error of reading `text`, without the path of the case file.
  std::string error(const std::string& text) {
    try {
      static_cast<void>(read(text));
    } catch (const Error& error) {
      return folder_.without_path(error.what());
    }
    return "no error";
  }

  CaseFolder folder_;
};

TEST_F(CaseFileTest, TheFullFormIsRead) {
  const CaseFile file = read(full_case);
  EXPECT_EQ(file.ranks, (std::vector{2, 4}));
  EXPECT_EQ(file.min_ranks, 2);
  EXPECT_EQ(file.max_ranks, 16);
  EXPECT_EQ(file.tolerance, 1e-3);
  EXPECT_EQ(file.include, std::vector{folder_.path("include")});
  ASSERT_EQ(file.kernels.size(), 1u);
  EXPECT_EQ(file.kernels[0].file, folder_.path("kernel.cpp"));
  EXPECT_EQ(file.kernels[0].core, CoreType::aiv);
  ASSERT_TRUE(file.orchestration);
  EXPECT_EQ(file.orchestration->file, folder_.path("orch.cpp"));
  EXPECT_EQ(file.orchestration->name, "all_reduce_orchestration");
  ASSERT_TRUE(file.expected_collective);
  EXPECT_EQ(file.expected_collective->collective, Collective::all_reduce);
  EXPECT_EQ(file.expected_collective->op, ReduceOp::sum);

  std::vector<ArgumentKind> kinds;
  for (const CaseArgument& argument : file.arguments) kinds.push_back(argument.kind);
  EXPECT_EQ(kinds, (std::vector{ArgumentKind::in, ArgumentKind::out, ArgumentKind::window,
                                ArgumentKind::scalar, ArgumentKind::context}));

  const CaseSetup setup = case_setup(file, 4);
  EXPECT_EQ(setup.blocks, 1);
  EXPECT_EQ(setup.cores, 1);
  EXPECT_EQ(setup.calls, 2);
  EXPECT_EQ(setup.window_bytes, std::vector<std::size_t>{272 * 4});
}

TEST_F(CaseFileTest, WhatIsLeftOutHasADefault) {
  const CaseFile file = read(R"(
    ranks = [3]
    args = []
    blocks = "P - 1"
    [[kernel]]
    id = 0
    file = "kernel.cpp"
  )");
  EXPECT_EQ(file.min_ranks, 1);
  EXPECT_EQ(file.max_ranks, 65536);
  EXPECT_EQ(file.tolerance, 1e-3);
  EXPECT_FALSE(file.orchestration);
  EXPECT_FALSE(file.expected_collective);
  const CaseSetup setup = case_setup(file, 3);
  EXPECT_EQ(setup.blocks, 2);
  EXPECT_EQ(setup.cores, 2);
  EXPECT_EQ(setup.calls, 1);
}

TEST_F(CaseFileTest, SeveralWindowsKeepTheFilesOrder) {
  const CaseFile file = read(two_windows);
  ASSERT_EQ(file.windows.size(), 2u);
  EXPECT_EQ(file.windows[0].name, "b");
  EXPECT_EQ(file.arguments[0].window, 0u);
  EXPECT_EQ(file.arguments[1].window, 1u);
  EXPECT_EQ(file.arguments[2].window, 1u);
  EXPECT_EQ(case_setup(file, 3).window_bytes, (std::vector<std::size_t>{192, 10}));
}

TEST_F(CaseFileTest, ValuesAreTakenInTheFilesOrder) {
  const CaseFile file = read(std::string(R"(
    ranks = [2]
    args = [ { scalar = "first" } ]
    [[kernel]]
    id = 0
    file = "kernel.cpp"
    [values]
    tokens = 12
    first = "tokens * P + rank"
  )"));
  EXPECT_EQ(file.values.back().name, "first");
  EXPECT_TRUE(file.values.back().number.by_rank);
  EXPECT_EQ(CaseCall(file, {.ranks = 2, .rank = 1}).scalar(0), 25u);
}

TEST_F(CaseFileTest, ValuesCanBeReplaced) {
  const std::string path =
      folder_.write(std::string(full_case) + "[values]\na = 3\nb = \"a + P\"\n");
  const auto value = [](const CaseFile& file, std::size_t index) {
    return file.values.at(index).number.expression.text();
  };
  EXPECT_EQ(value(read_case_file(path), 0), "3");
  const CaseFile file = read_case_file(path, {{"b", "a * 2"}});
  EXPECT_EQ(value(file, 0), "3");
  EXPECT_EQ(value(file, 1), "a * 2");
  const auto refused = [&](const CaseReplacements& replacements) {
    try {
      static_cast<void>(read_case_file(path, replacements));
    } catch (const Error& error) {
      return folder_.without_path(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(
      refused({{"c", "1"}}),
      "the file has no value `c` that could be set; set `a`, `b`, or add it to [values] or by "
      "--value");
  EXPECT_NE(refused({{"b", "c"}}).find("`values.b` cannot be read"), std::string::npos);
}

TEST_F(CaseFileTest, RanksOutsideTheLimitAreRefused) {
  const CaseFile file = read(full_case);
  check_ranks(file, 16);
  try {
    check_ranks(file, 17);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(folder_.without_path(error.what()),
              "`rank_limit` is [2, 16], which 17 ranks are outside of; use a number of ranks "
              "within");
  }
  EXPECT_EQ(error(changed("[2, 4]", "[2, 32]")), "`ranks[1]` is 32; it must be from 2 to 16");
}

TEST_F(CaseFileTest, KeysAreKnownAndThere) {
  EXPECT_EQ(error(changed("tolerance", "toleranse")),
            "`toleranse` is an unknown key; use one of ranks, rank_limit, blocks, cores, calls, "
            "include, tolerance, args, expect, kernel, orchestration, window, values");
  EXPECT_EQ(error(changed("core = ", "cores = ")),
            "`kernel[0].cores` is an unknown key; use one of id, file, core");
  EXPECT_EQ(error(changed("count", "counts")),
            "`window.scratch.counts` is an unknown key; use one of dtype, count, fill, expect");
  const std::string see = " is missing; see docs/case_files.md for what it says";
  EXPECT_EQ(error(changed("ranks = [2, 4]", "")), "`ranks`" + see);
  EXPECT_EQ(error(changed("id = 0", "")), "`kernel[0].id`" + see);
  EXPECT_EQ(error(changed("dtype = \"f32\"", "")), "`window.scratch.dtype`" + see);
  EXPECT_EQ(error(changed("file = \"orch.cpp\"", "")), "`orchestration.file`" + see);
  EXPECT_EQ(error(changed(", fill = \"i + 100*rank\"", "")), "`args[0].fill`" + see);
  EXPECT_EQ(error("ranks = [2]\nargs = []\n"), "`kernel`" + see);
  EXPECT_EQ(error("ranks = [2"),
            "cannot be read: Error while parsing array: encountered end-of-file (line 1, column "
            "11); name an existing file of valid TOML");
}

TEST_F(CaseFileTest, FilesExist) {
  EXPECT_EQ(error(changed("kernel.cpp", "colonel.cpp")),
            "`kernel[0].file` names `" + folder_.path("colonel.cpp") +
                "`, which is no file; name one relative to the case file");
  EXPECT_EQ(error(changed("orch.cpp", "porch.cpp")),
            "`orchestration.file` names `" + folder_.path("porch.cpp") +
                "`, which is no file; name one relative to the case file");
  EXPECT_EQ(error(changed("[\"include\"]", "[\"kernel.cpp\"]")),
            "`include[0]` names `" + folder_.path("kernel.cpp") +
                "`, which is no folder; name one relative to the case file");
}

TEST_F(CaseFileTest, ArgumentsHaveOneOfTheForms) {
  EXPECT_EQ(error(changed("{ out =", "{ output =")),
            "`args[1]` is a table; it must be a table with one of in, out, inout, temp, window, "
            "scalar, context");
  EXPECT_EQ(error(changed("{ out =", "{ scalar = 1, out =")),
            "`args[1]` has both `out` and `scalar`; an argument has one form");
  EXPECT_EQ(error(changed("{ scalar = \"P\" }", "{ scalar = \"P\", fill = 1 }")),
            "`args[3].fill` is an unknown key; use one of scalar");
  EXPECT_EQ(error(changed("{ scalar = \"P\" }", "7")), "`args[3]` is 7; it must be a table");
  EXPECT_EQ(error(changed("{ scalar = \"P\" }", "{ scalar = 1.5 }")),
            "`args[3].scalar` is 1.5; it must be a whole number or an expression in quotes");
  EXPECT_EQ(error(changed("{ out = \"f32[256]\"", "{ out = \"f31[256]\"")),
            "`args[1].out` cannot be read: dtype `f31` is unknown; use one of f32, f64, f16, bf16, "
            "i8, u8, i16, u16, i32, u32, i64, u64");
  EXPECT_EQ(error(changed("{ out = \"f32[256]\"", "{ out = \"f32\"")),
            "`args[1].out` is 'f32'; it must be a dtype and a count such as `f32[64 * P]`");
  EXPECT_EQ(error(changed("{ out = \"f32[256]\"", "{ out = \"f32[256 +]\"")),
            "`args[1].out` cannot be read: expression `256 +`: a number, a name or `(` is expected "
            "at column 6, where the text ends");
  EXPECT_EQ(error(changed("100*rank", "100*rang")),
            "`args[0].fill` cannot be read: expression `i + 100*rang`: `rang` at column 9 is "
            "unknown; use one of P, rank, call, i, min(...), max(...)");
}

TEST_F(CaseFileTest, WindowsAndContextsAreDeclared) {
  EXPECT_EQ(error(changed("window = \"scratch\"", "window = \"scratchy\"")),
            "`args[2].window` names window `scratchy`, which is not declared; add "
            "[window.scratchy]");
  EXPECT_EQ(error(changed("context = true", "context = \"other\"")),
            "`args[4].context` names window `other`, which is not declared; add [window.other]");
  EXPECT_EQ(error(changed("context = true", "context = false")),
            "`args[4].context` is false; it must be true");
  std::string text = two_windows;
  text.replace(text.find("context = \"a\""), 13, "context = true");
  EXPECT_EQ(error(text),
            "`args[2].context` is true, but the case has 2 windows; name the one it is of");
}

TEST_F(CaseFileTest, SetupsAreWithinLimitsAndTheSameEverywhere) {
  EXPECT_EQ(error(changed("blocks = 1", "blocks = \"2 * P\"")),
            "`cores` is 1, fewer than the 4 blocks that run at the same time; give each a core");
  EXPECT_EQ(error(changed("blocks = 1", "blocks = \"rank\"")),
            "`blocks` is `rank`, which depends on rank; it is the same on every rank and at every "
            "call, use P");
  EXPECT_EQ(error(changed("calls = 2", "calls = 0")),
            "`calls` is 0, which gives 0 calls; it must be from 1 to 1000000");
  EXPECT_EQ(error(changed("256 + 16", "256 - 256")),
            "`window.scratch.count` is 256 - 256, which gives 0 elements; it must be from 1 to "
            "274877906944");
  EXPECT_EQ(error(changed("256 + 16", "0x7fffffffffffffff * P")),
            "`window.scratch.count` has no value for P = 2, rank = 0, call = 0: expression "
            "`0x7fffffffffffffff * P`: the operator at column 20 overflows 64 bits with "
            "9223372036854775807 and 2; use smaller values");
  EXPECT_EQ(error(changed("tolerance = 1e-3", "tolerance = -1")),
            "`tolerance` is -1; it must be a number that is not negative");
}

TEST_F(CaseFileTest, KernelsAreToldApart) {
  EXPECT_EQ(error(std::string(full_case) + "[[kernel]]\nid = 0\nfile = \"kernel.cpp\"\n"),
            "`kernel[1].id` is 0, which is another kernel's; give each its own");
  EXPECT_EQ(error(changed("\"aiv\"", "\"aix\"")),
            "`kernel[0].core` is 'aix'; it must be `aiv` or `aic`");
  std::string text = two_windows;
  text.replace(text.find("id = 0"), 6, "id = 1");
  EXPECT_EQ(error(text),
            "`kernel` has no kernel of id 0, which the arguments go to; add it or [orchestration]");
  text = two_windows;
  text.replace(text.find("{ window = \"b\" },"), 17, "{ scalar = 1 },");
  EXPECT_EQ(error(text),
            "`args` has `window` at index 1 after a scalar; a kernel gets tensors first, so move "
            "it before the scalars");
}

TEST_F(CaseFileTest, ValuesHaveNamesOfTheirOwn) {
  EXPECT_EQ(error(std::string(full_case) + "[values]\nrank = 1\n"),
            "`values.rank` means something else in expressions; rename it");
  EXPECT_EQ(error(std::string(full_case) + "[values]\n\"a-b\" = 1\n"),
            "`values.a-b` is no name; use letters, digits and `_`");
  EXPECT_EQ(error(std::string(full_case) + "[values]\na = \"b\"\nb = 1\n"),
            "`values.a` cannot be read: expression `b`: `b` at column 1 is unknown; use one of P, "
            "rank, call, min(...), max(...)");
}

TEST_F(CaseFileTest, ExpectationsFitTheArguments) {
  const auto expecting = [](std::string_view what) {
    return changed("all_reduce = \"sum\"", what);
  };
  EXPECT_EQ(error(expecting("out1 = \"i\"")),
            "`expect.out1` is neither a collective nor one of the 1 outputs, which are called "
            "out0, out1 and so on");
  EXPECT_EQ(error(expecting("all_reduce = \"xor\"")),
            "`expect.all_reduce` cannot be read: operation `xor` is unknown; use one of sum, prod, "
            "min, max");
  EXPECT_EQ(error(expecting("all_gather = 1")), "`expect.all_gather` is 1; it must be true");
  EXPECT_EQ(error(expecting("broadcast = \"rank\"")),
            "`expect.broadcast` is `rank`, which depends on rank; it is the same on every rank, "
            "use P");
  EXPECT_EQ(error(expecting("all_reduce = \"sum\", root = 1")),
            "`expect.root` is an unknown key; use one of all_reduce");
  EXPECT_EQ(error(expecting("")),
            "`expect` is empty; name a collective or outputs, or leave it out");
  EXPECT_EQ(error(changed("{ out = \"f32[256]\"", "{ out = \"f16[256]\"")),
            "`expect.all_reduce` compares args[0] of f32 with args[1] of f16; use one dtype");
  EXPECT_EQ(error(changed("{ out = \"f32[256]\"", "{ temp = \"f32[256]\"")),
            "`expect.all_reduce` needs an argument `out` or `inout`; add one to args");
}

}  // namespace
}  // namespace peal
