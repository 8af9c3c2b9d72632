// SPDX-License-Identifier: Apache-2.0
// Collectives on buffers that lie in windows, at the same place on every rank or not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "peal/collectives/registry.h"
#include "peal/executors/shm/executor.h"
#include "peal/launch/launch.h"
#include "peal/launch/platforms.h"
#include "tests/collective_case.h"

namespace peal::tests {
namespace {

enum class Where { alike, apart, in_place };

// A rank's buffers in one window; with Where::apart at a place of its own.
struct WindowBuffers {
  View send, recv;
};

WindowBuffers make_buffers(Team& team, const CollectiveCase& test, Where where) {
  const CollectiveShape blocks = shape(test.collective, test.ranks);
  const std::size_t sends = static_cast<std::size_t>(blocks.send_blocks) * test.count;
  const std::size_t recvs = static_cast<std::size_t>(blocks.recv_blocks) * test.count;
  const auto ranks = static_cast<std::size_t>(test.ranks);
  const View window = team.allocate(sends + recvs + 3 * ranks, DType::i32);
  const auto own = static_cast<std::size_t>(team.rank());
  if (where == Where::in_place) {
    return {window.part(0, sends), window.part(0, recvs)};
  }
  const std::size_t shift = where == Where::apart ? 3 * own : 0;
  return {window.part(shift, sends), window.part(shift + sends, recvs)};
}

std::string call_and_compare(Team& team, CollectiveCase test, Where where) {
  const WindowBuffers buffers = make_buffers(team, test, where);
  auto* const send = reinterpret_cast<std::int32_t*>(buffers.send.data);
  const auto* const recv = reinterpret_cast<const std::int32_t*>(buffers.recv.data);
  for (int call = 0; call < 3; ++call) {
    test.salt = call;
    for (std::size_t i = 0; i < buffers.send.count; ++i) send[i] = test.input(team.rank(), i);
    run_collective(team, {.collective = test.collective,
                          .send = buffers.send,
                          .recv = buffers.recv,
                          .op = test.op,
                          .root = test.root,
                          .algorithm = test.algorithm});
    if (!receives(test.collective, team.rank(), test.root)) continue;
    for (std::size_t i = 0; i < buffers.recv.count; ++i) {
      if (recv[i] == static_cast<std::int32_t>(test.expected(team.rank(), i))) continue;
      return fmt::format("{} call {}: rank {} element {} is {}, expected {}", test.describe(), call,
                         team.rank(), i, recv[i], test.expected(team.rank(), i));
    }
  }
  return "";
}

std::vector<CollectiveCase> cases_of(const Algorithm& algorithm, int ranks) {
  std::vector<CollectiveCase> cases;
  for (std::size_t count : {1u, 2u, 7u, 12u, 13u, 1000u, 20011u}) {
    if (algorithm.needs.fits_cell && count > 13) continue;  // in pieces of a cell, for nothing new
    cases.push_back({.collective = algorithm.collective,
                     .algorithm = algorithm.name,
                     .ranks = ranks,
                     .count = count,
                     .dtype = DType::i32});
    cases.back().root = ranks - 1;
  }
  return cases;
}

std::string run_all(Executor& executor, const Algorithm& algorithm, int ranks, Where where,
                    const RunOptions& options) {
  return run_texts(
      executor, ranks,
      [&](Team& team) -> std::string {
        std::string first;
        for (const CollectiveCase& test : cases_of(algorithm, ranks)) {
          const std::string text = call_and_compare(team, test, where);
          if (first.empty()) first = text;
        }
        return first;
      },
      options);
}

bool may_be_in_place(Collective collective) {
  return shape(collective, 3).send_blocks == shape(collective, 3).recv_blocks;
}

TEST(Windows, BuffersMayLieAnywhereInThem) {
  ShmExecutor executor(load_platform("host"));
  for (const Algorithm& algorithm : algorithms()) {
    if (algorithm.collective == Collective::barrier) continue;
    EXPECT_EQ(run_all(executor, algorithm, 3, Where::alike, {}), "");
    if (!algorithm.needs.send_in_window && !algorithm.needs.recv_in_window) continue;
    for (int ranks : {1, 2, 3}) {
      EXPECT_EQ(run_all(executor, algorithm, ranks, Where::alike, {}), "");
      EXPECT_EQ(run_all(executor, algorithm, ranks, Where::apart, {}), "");
      if (!may_be_in_place(algorithm.collective)) continue;
      EXPECT_EQ(run_all(executor, algorithm, ranks, Where::in_place, {}), "");
    }
  }
}

TEST(Windows, BuffersMayLieAnywhereInSimulatedOnesToo) {
  const auto executor = open_executor("hostsim");
  for (const Algorithm& algorithm : algorithms()) {
    if (!algorithm.needs.send_in_window && !algorithm.needs.recv_in_window) continue;
    for (const char* schedule : {"virtual", "random:3"}) {
      for (int ranks : {1, 2, 3, 5}) {
        for (Where where : {Where::alike, Where::apart, Where::in_place}) {
          if (where == Where::in_place && !may_be_in_place(algorithm.collective)) continue;
          EXPECT_EQ(run_all(*executor, algorithm, ranks, where, {.schedule = schedule}), "");
        }
      }
    }
  }
}

}  // namespace
}  // namespace peal::tests
