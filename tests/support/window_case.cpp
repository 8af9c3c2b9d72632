// SPDX-License-Identifier: Apache-2.0
#include "tests/support/window_case.h"

#include <fmt/format.h>

#include <cstdint>

namespace peal::tests {
namespace {

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
  if (test.in_place) {
    const InPlace at = in_place(test, team.rank());
    return {window.part(at.send, sends), window.part(at.recv, recvs)};
  }
  const std::size_t shift = where == Where::apart ? 3 * own : 0;
  return {window.part(shift, sends), window.part(shift + sends, recvs)};
}

std::string call_and_compare(Team& team, CollectiveCase test, Where where) {
  test.in_place = where == Where::in_place;
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

}  // namespace

std::vector<CollectiveCase> window_cases(const Algorithm& algorithm, int ranks) {
  std::vector<CollectiveCase> cases;
  for (std::size_t count : {1u, 2u, 7u, 12u, 13u, 1000u, 20011u}) {
    if (algorithm.needs.fits_packets && count > 1000) continue;  // in pieces, for nothing new
    cases.push_back({.collective = algorithm.collective,
                     .algorithm = algorithm.name,
                     .ranks = ranks,
                     .count = count,
                     .dtype = DType::i32});
    cases.back().root = ranks - 1;
  }
  return cases;
}

std::string run_in_windows(Executor& executor, const std::vector<CollectiveCase>& calls,
                           Where where, const RunOptions& options) {
  return run_texts(
      executor, calls.front().ranks,
      [&](Team& team) -> std::string {
        std::string first;
        for (const CollectiveCase& test : calls) {
          const std::string text = call_and_compare(team, test, where);
          if (first.empty()) first = text;
        }
        return first;
      },
      options);
}

}  // namespace peal::tests
