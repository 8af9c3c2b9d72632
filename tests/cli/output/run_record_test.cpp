// SPDX-License-Identifier: Apache-2.0
#include "cli/output/run_record.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/options/run_plan.h"
#include "cli/options/run_request.h"
#include "peal/tools/collective_run.h"

namespace peal {
namespace {

TEST(RunRecord, AWrongElementIsAFailureThatNamesIt) {
  RunRequest request;
  request.collective = "all_reduce";
  const RunPlan plan = make_run_plan(request);
  RunOutcome outcome = carry_out(plan, {});
  EXPECT_FALSE(outcome.failure);
  const float wrong = 5, nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(outcome.recv[2].data + 17 * sizeof(float), &wrong, sizeof wrong);
  std::memcpy(outcome.recv[3].data, &nan, sizeof nan);
  judge(plan, outcome);
  const RunRecord record{request, plan, outcome};
  const std::string text = run_text(record);
  EXPECT_NE(text.find("rank 1: max |out - expected| = 0.000e+00\n"), std::string::npos) << text;
  EXPECT_NE(text.find("rank 2: max |out - expected| = 6.630e+02\n"), std::string::npos) << text;
  EXPECT_NE(text.find("rank 3: max |out - expected| = inf\n"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("FAIL: rank 2 element 17 is 5, expected 668\n")) << text;
  const nlohmann::ordered_json json = run_json(record);
  EXPECT_EQ(json.at("verdict"), "FAIL");
  EXPECT_EQ(json.at("per_rank")[2].at("mismatch").at("element"), 17);
  EXPECT_EQ(json.at("per_rank")[3].at("max_difference"), "inf");
}

TEST(RunRecord, ARankThatLeavesABarrierEarlyIsAFailure) {
  RunRequest request;
  request.collective = "barrier";
  const RunPlan plan = make_run_plan(request);
  RunOutcome outcome = carry_out(plan, {});
  EXPECT_FALSE(outcome.failure);
  outcome.entered[3] = 2;
  judge(plan, outcome);
  EXPECT_TRUE(run_text({request, plan, outcome})
                  .ends_with("FAIL: rank 3 returned when 2 of 4 ranks had entered\n"));
}

TEST(RunRecord, FiguresOfRanksStayReadable) {
  using Figures = std::vector<std::uint64_t>;
  EXPECT_EQ(per_rank_text(Figures{6, 6, 6}), "6");
  EXPECT_EQ(per_rank_text(Figures{3, 0, 0, 0}), "3 (rank 0), 0 (ranks 1-3)");
  EXPECT_EQ(per_rank_text(Figures{1, 2, 1, 1}), "1 (ranks 0,2-3), 2 (rank 1)");
  Figures many;
  for (std::uint64_t rank = 0; rank < 1024; ++rank) many.push_back(rank % 3);
  EXPECT_EQ(per_rank_text(many), "0..2, mean 0.999");
}

}  // namespace
}  // namespace peal
