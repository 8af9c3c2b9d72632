// SPDX-License-Identifier: Apache-2.0
// Which calls are resolved, which are planned, and when plans are dropped.
#include "peal/collectives/plan_cache.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/platforms.h"
#include "tests/support/environment_variable.h"
#include "tests/support/lone_rank.h"
#include "tests/support/program.h"

namespace peal::tests {
namespace {

// What a call makes the device hear.
struct Heard {
  int announced = 0, announced_again = 0;
  bool operator==(const Heard&) const = default;
};
std::ostream& operator<<(std::ostream& to, const Heard& heard) {
  return to << heard.announced << " announced, " << heard.announced_again << " again";
}
constexpr Heard repeated;                                         // not resolved
constexpr Heard resolved{.announced = 0, .announced_again = 1};   // by a plan, known to the device
constexpr Heard announced{.announced = 1, .announced_again = 0};  // by a plan, with a new record
constexpr Heard planned{.announced = 2, .announced_again = 0};    // before and after the choice

constexpr SourcePlace place{"program.cpp", 10};

class PlanCacheOfOneRank : public testing::Test {
 protected:
  template <class Call>
  Heard heard_of(const Call& call) {
    device_.announced = device_.announced_again = 0;
    call();
    return {device_.announced, device_.announced_again};
  }
  Heard sum(const AllReduce& args, SourcePlace where = place) {
    return heard_of([&] { all_reduce(team_, args, where); });
  }
  // The call that all others differ from.
  [[nodiscard]] AllReduce usual() {
    return {.send = std::span(send_).first(12),
            .recv = std::span(recv_).first(12),
            .algorithm = "push"};
  }
  [[nodiscard]] const CallPlan& plan() { return *plan_cache(team_).last().plan; }

  // Rank 0 reads no file of measurements.
  const TemporaryFolder folder_;
  const EnvironmentVariable cache_{"PEAL_CACHE_DIR", folder_.path("none")};
  const Platform platform_ = load_platform("host");
  LoneRank device_;
  Team team_{device_, platform_};
  std::vector<float> send_ = std::vector<float>(64), recv_ = std::vector<float>(64);
};

TEST_F(PlanCacheOfOneRank, ACallLikeTheLastIsNotResolved) {
  EXPECT_EQ(sum(usual()), planned);
  for (int call = 0; call < 3; ++call) EXPECT_EQ(sum(usual()), repeated);
  const std::string same_name = usual().algorithm.data();
  AllReduce by_other_text = usual();
  by_other_text.algorithm = same_name;
  EXPECT_EQ(sum(by_other_text), repeated);
}

TEST_F(PlanCacheOfOneRank, OtherMemoryIsResolvedByTheSamePlan) {
  EXPECT_EQ(sum(usual()), planned);
  const CallPlan* const first = &plan();
  AllReduce other = usual();
  other.send = std::span(send_).subspan(12, 12);
  EXPECT_EQ(sum(other), resolved);
  EXPECT_EQ(sum(other), repeated);
  other.recv = std::span(recv_).subspan(12, 12);
  EXPECT_EQ(sum(other), resolved);
  EXPECT_EQ(sum(usual()), resolved);
  EXPECT_EQ(&plan(), first);
}

TEST_F(PlanCacheOfOneRank, AnotherTaskIsResolvedByTheSamePlan) {
  EXPECT_EQ(sum(usual()), planned);
  team_.begin_task();
  EXPECT_EQ(sum(usual()), resolved);
  EXPECT_EQ(sum(usual()), repeated);
}

// Both are in the record that ranks compare or report, and in no plan.
TEST_F(PlanCacheOfOneRank, AnotherOperationOrPlaceIsAnnounced) {
  EXPECT_EQ(sum(usual()), planned);
  AllReduce other = usual();
  other.op = ReduceOp::max;
  EXPECT_EQ(sum(other), announced);
  EXPECT_EQ(sum(other), repeated);
  EXPECT_EQ(sum(usual()), resolved);
  EXPECT_EQ(sum(usual(), {place.file, 11}), announced);
  EXPECT_EQ(sum(usual(), {"other.cpp", place.line}), announced);
  EXPECT_EQ(sum(usual()), resolved);
}

TEST_F(PlanCacheOfOneRank, FourAnnouncementsAreKeptWithAPlan) {
  const auto at = [](std::uint32_t line) { return SourcePlace{place.file, line}; };
  EXPECT_EQ(sum(usual(), at(1)), planned);
  for (const std::uint32_t line : {2u, 3u, 4u}) EXPECT_EQ(sum(usual(), at(line)), announced);
  for (const std::uint32_t line : {1u, 2u, 3u, 4u}) EXPECT_EQ(sum(usual(), at(line)), resolved);
  EXPECT_EQ(sum(usual(), at(5)), announced);  // in the place of the first
  EXPECT_EQ(sum(usual(), at(2)), resolved);
  EXPECT_EQ(sum(usual(), at(1)), announced);
}

TEST_F(PlanCacheOfOneRank, WhatTheDeviceHasForgottenIsAnnounced) {
  EXPECT_EQ(sum(usual()), planned);
  EXPECT_EQ(sum(usual(), {place.file, 11}), announced);
  device_.remembers_calls = false;
  EXPECT_EQ(sum(usual()), (Heard{.announced = 1, .announced_again = 1}));
}

// A simulated device compares the records itself, so it hears of every call.
TEST_F(PlanCacheOfOneRank, EveryCallOnASimulatedDeviceIsResolved) {
  device_.facts.is_real = false;
  device_.remembers_calls = false;
  EXPECT_EQ(sum(usual()), (Heard{.announced = 1, .announced_again = 0}));
  EXPECT_EQ(sum(usual()), (Heard{.announced = 1, .announced_again = 1}));
}

TEST_F(PlanCacheOfOneRank, WhatDecidesHowACallIsCarriedOutIsPlanned) {
  const View window = team_.allocate(64, DType::f32);
  std::vector<std::int32_t> ints(12), sums(12);
  std::vector<AllReduce> others(7, usual());
  others[0].send = std::span(send_).first(13);
  others[0].recv = std::span(recv_).first(13);
  others[1].send = ints;
  others[1].recv = sums;
  others[2].algorithm = "ring";
  others[3].algorithm = "auto";
  others[4].recv = std::span(send_).first(12);  // in place
  others[5].send = window.part(0, 12);
  others[6].recv = window.part(0, 12);
  for (std::size_t i = 0; i < others.size(); ++i) {
    EXPECT_NE(sum(usual()), repeated) << i;
    EXPECT_EQ(sum(others[i]), planned) << i;
    EXPECT_EQ(sum(others[i]), repeated) << i;
  }
  const auto send = std::span(send_).first(12), recv = std::span(recv_).first(12);
  const auto exchange = [&] { all_to_all(team_, {.send = send, .recv = recv}, place); };
  EXPECT_EQ(heard_of(exchange), planned);
  EXPECT_EQ(heard_of(exchange), repeated);
}

TEST_F(PlanCacheOfOneRank, AnotherRootIsPlanned) {
  const auto from = [&](int root) {
    return heard_of([&] {
      broadcast(team_, {.send = send_, .recv = recv_, .root = root, .algorithm = "tree"}, place);
    });
  };
  for (const int root : {0, 1, 2}) {
    EXPECT_EQ(from(root), planned) << root;
    EXPECT_EQ(from(root), repeated) << root;
  }
  EXPECT_EQ(from(1), resolved);
}

TEST_F(PlanCacheOfOneRank, AnotherTypeIsPlannedWhereARankOnlySendsOrReceives) {
  std::vector<std::int32_t> ints(12);
  const auto floats = std::span(send_).first(12);
  const auto received = [&](const auto& data) {
    return heard_of([&] {
      broadcast(team_, {.send = {}, .recv = data, .root = 1, .algorithm = "tree"}, place);
    });
  };
  const auto sent = [&](const auto& data) {
    return heard_of([&] { gather(team_, {.send = data, .recv = {}, .root = 1}, place); });
  };
  EXPECT_EQ(received(floats), planned);
  EXPECT_EQ(received(std::span(ints)), planned);
  EXPECT_EQ(received(floats), resolved);
  EXPECT_EQ(sent(floats), planned);
  EXPECT_EQ(sent(std::span(ints)), planned);
  EXPECT_EQ(sent(floats), resolved);
}

TEST_F(PlanCacheOfOneRank, ABufferThatThisRankDoesNotUseMakesNoDifference) {
  const auto to = [&](int root, std::span<float> recv) {
    return heard_of([&] { gather(team_, {.send = send_, .recv = recv, .root = root}, place); });
  };
  EXPECT_EQ(to(1, recv_), planned);
  EXPECT_EQ(to(1, std::span(recv_).first(3)), repeated);
  EXPECT_EQ(to(1, {}), repeated);
}

// Overlap is no part of a plan's key, so it is looked at for every call.
TEST_F(PlanCacheOfOneRank, AKnownPlanDoesNotLetAMistakePass) {
  EXPECT_EQ(sum(usual()), planned);
  AllReduce wrong = usual();
  wrong.recv = std::span(send_).subspan(4, 12);
  EXPECT_THROW(sum(wrong), UsageError);
  EXPECT_FALSE(team_.broken());
  EXPECT_EQ(sum(usual()), repeated);
  wrong.recv = std::span(recv_).first(11);
  EXPECT_THROW(sum(wrong), UsageError);
  EXPECT_EQ(sum(usual()), repeated);
}

// More plans than are kept: those that are replaced are made again.
TEST_F(PlanCacheOfOneRank, CallsOfManyKindsHaveThePlanOfTheirOwn) {
  std::vector<float> send(400), recv(400);
  const auto call = [&](std::size_t count) {
    return sum({.send = std::span(send).first(count),
                .recv = std::span(recv).first(count),
                .algorithm = "push"});
  };
  int made_again = 0;
  for (std::size_t count = 1; count <= 400; ++count) {
    EXPECT_EQ(call(count), planned);
    EXPECT_EQ(plan().count, count);
    const Heard first = call(1);
    EXPECT_EQ(plan().count, 1u);
    if (count == 1) continue;
    EXPECT_TRUE(first == resolved || first == planned) << count << ": " << first;
    made_again += first == planned ? 1 : 0;
    EXPECT_EQ(call(1), repeated);
  }
  EXPECT_GT(made_again, 0);
}

// A host whose ranks share a cache when there is nothing to be measured, and else share none.
class PlansAfterMeasurements : public PlanCacheOfOneRank {
 protected:
  PlansAfterMeasurements() { set_far(true); }
  void set_far(bool is_far) {
    device_.facts.is_oversubscribed = !is_far;
    device_.wait_time = is_far ? std::chrono::microseconds(2) : std::chrono::nanoseconds(0);
  }
  [[nodiscard]] AllReduce chosen() {
    return {.send = std::span(send_).first(9), .recv = std::span(recv_).first(9)};
  }
  // Repeats the call until it is planned again, for several times as many calls as there are
  // between two measurements. Returns the number of calls before, or 0 if it was not.
  int calls_until_planned(const AllReduce& args) {
    constexpr int enough = 60'000;
    for (int call = 0; call < enough; ++call) {
      const Heard heard = sum(args);
      if (heard == planned) return call;
      EXPECT_EQ(heard, repeated);
    }
    return 0;
  }
};

TEST_F(PlansAfterMeasurements, AreDroppedWhenTheDistanceOfTheRanksChanges) {
  EXPECT_EQ(sum(usual()), planned);
  EXPECT_EQ(sum(chosen()), planned);
  EXPECT_TRUE(plan().lacks_shared_cache);
  for (const bool is_far : {false, true}) {
    set_far(is_far);
    EXPECT_GT(calls_until_planned(chosen()), 1000);
    EXPECT_EQ(plan().lacks_shared_cache, is_far);
    // All of them, also one that names its algorithm.
    EXPECT_EQ(sum(usual()), planned);
    EXPECT_EQ(plan().lacks_shared_cache, is_far);
    EXPECT_EQ(sum(chosen()), resolved);
  }
}

// Packets take up to 1 KiB, and up to 2 KiB where the ranks share no cache.
TEST_F(PlansAfterMeasurements, ChooseAnotherAlgorithmWhereTheOtherDistanceWantsOne) {
  std::vector<float> send(300), recv(300);
  const AllReduce args{.send = send, .recv = recv};
  EXPECT_EQ(sum(args), planned);
  EXPECT_STREQ(plan().algorithm->name, "packet");
  set_far(false);
  EXPECT_GT(calls_until_planned(args), 0);
  EXPECT_STREQ(plan().algorithm->name, "push");
}

TEST_F(PlansAfterMeasurements, StayWhenTheDistanceStays) {
  EXPECT_EQ(sum(chosen()), planned);
  device_.asked_for_facts = 0;
  EXPECT_EQ(calls_until_planned(chosen()), 0);
  EXPECT_GT(device_.asked_for_facts, 0) << "nothing was measured again";
}

// A long call counts as many short ones.
TEST_F(PlansAfterMeasurements, AreMadeAgainAfterFewLongCalls) {
  std::vector<float> send(1 << 20), recv(1 << 20);
  const AllReduce args{.send = send, .recv = recv};
  EXPECT_EQ(sum(args), planned);
  set_far(false);
  const int calls = calls_until_planned(args);
  EXPECT_GT(calls, 0);
  EXPECT_LT(calls, 100);
}

TEST_F(PlansAfterMeasurements, NothingIsMeasuredWhereEveryCallNamesItsAlgorithm) {
  EXPECT_EQ(sum(usual()), planned);
  device_.asked_for_facts = 0;
  set_far(false);
  for (int call = 0; call < 60'000; ++call) ASSERT_EQ(sum(usual()), repeated);
  EXPECT_EQ(device_.asked_for_facts, 0);
}

}  // namespace
}  // namespace peal::tests
