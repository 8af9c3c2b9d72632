// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/case_calls.h"

#include <fmt/format.h>

#include <algorithm>

#include "peal/base/error.h"
#include "peal/base/memory/machine_memory.h"
#include "peal/reference/reference.h"

namespace peal {
namespace {

void note(CaseRunResult& result, int rank, double difference) {
  result.compared = true;
  double& most = result.differences[static_cast<std::size_t>(rank)];
  most = std::max(most, difference);
}

// Limits memory: all calls of all ranks are kept until they are compared.
void check_number(const CaseFile& file, int ranks, std::int64_t calls) {
  constexpr std::int64_t most = std::int64_t{1} << 20;
  if (calls <= most / ranks) return;
  throw UsageError(fmt::format("{}: {} calls on {} ranks are more than {} in all; use fewer",
                               file.subject, calls, ranks, most));
}

// Sums the bytes of the arrays of all calls and refuses more than the machine's memory: all arrays
// are written, so their pages become resident.
class ArrayBytes {
 public:
  ArrayBytes(const CaseFile& file, int ranks, std::int64_t calls)
      : file_(file), ranks_(ranks), calls_(calls) {}

  void add(const CaseCall& call) {
    for (std::size_t i = 0; i < file_.arguments.size(); ++i) {
      if (!is_array(file_.arguments[i].kind)) continue;
      bytes_ += call.count(i) * size_bytes(file_.arguments[i].dtype);
      if (bytes_ <= limit_) continue;
      throw UsageError(
          fmt::format("{}: the arrays of {} calls on {} ranks take more than the {} bytes "
                      "of memory of this machine; use smaller counts, or fewer ranks",
                      file_.subject, calls_, ranks_, limit_));
    }
  }

 private:
  const CaseFile& file_;
  int ranks_;
  std::int64_t calls_;
  std::size_t bytes_ = 0;
  std::size_t limit_ = machine_memory_bytes();
};

}  // namespace

void RankCall::keep_sent() {
  if (!numbers.collective()) return;
  const View& send = arrays[numbers.collective()->send];
  sent.assign(send.data, send.data + send.size_bytes());
}

CaseCalls::CaseCalls(const CaseFile& file, int ranks, std::int64_t calls)
    : file_(file), ranks_(ranks), calls_(calls) {
  check_number(file, ranks, calls);
  ArrayBytes bytes(file, ranks, calls);
  for (std::int64_t call = 0; call < calls; ++call) {
    for (int rank = 0; rank < ranks; ++rank) {
      parts_.push_back({CaseCall(file, {.ranks = ranks, .rank = rank, .call = call}),
                        std::vector<View>(file.arguments.size()),
                        {}});
      bytes.add(parts_.back().numbers);
    }
  }
}

std::size_t CaseCalls::max_elements(std::int64_t call, std::size_t argument) {
  std::size_t most = 0;
  for (int rank = 0; rank < ranks_; ++rank) {
    most = std::max(most, at(call, rank).numbers.count(argument));
  }
  return most;
}

void CaseCalls::compare(CaseRunResult& result) {
  result.calls = calls_;
  result.tolerance = file_.tolerance;
  result.differences.resize(static_cast<std::size_t>(ranks_));
  for (std::int64_t call = 0; call < calls_; ++call) {
    if (at(call, 0).numbers.collective()) compare_collective(result, call);
    for (int rank = 0; rank < ranks_; ++rank) {
      RankCall& own = at(call, rank);
      for (const ExpectedOutput& output : file_.expected_outputs) {
        const CaseDifference found = own.numbers.compare(output, own.arrays[output.argument]);
        note(result, rank, found.max);
        if (!found.mismatch || result.mismatch) continue;
        result.mismatch =
            fmt::format("rank {} {} element {} of call {} is {}, expected {}", rank,
                        file_.arguments[output.argument].label, found.mismatch->element, call,
                        found.mismatch->value, found.mismatch->expected);
      }
    }
  }
}

void CaseCalls::compare_collective(CaseRunResult& result, std::int64_t call) {
  const CaseCollectiveCall& expected = *at(call, 0).numbers.collective();
  std::vector<View> send, recv;
  for (int rank = 0; rank < ranks_; ++rank) {
    RankCall& own = at(call, rank);
    const View& given = own.arrays[expected.send];
    send.push_back({own.sent.data(), given.count, given.dtype});
    recv.push_back(own.arrays[expected.recv]);
  }
  const reference::Comparison found =
      reference::compare({.collective = expected.collective,
                          .op = expected.op,
                          .root = expected.root,
                          .tolerance = {.absolute = file_.tolerance}},
                         {.send = send, .recv = recv, .count = expected.count});
  for (int rank = 0; rank < ranks_; ++rank) {
    const reference::RankDifference& difference = found.ranks[static_cast<std::size_t>(rank)];
    note(result, rank, difference.max);
    if (!difference.mismatch || result.mismatch) continue;
    result.mismatch = fmt::format("rank {} element {} of call {} is {}, expected {}", rank,
                                  difference.mismatch->element, call, difference.mismatch->value,
                                  difference.mismatch->expected);
  }
}

RunOutput CaseCalls::output(std::int64_t call, int rank, std::size_t argument,
                            std::uint64_t address) {
  const View& array = at(call, rank).arrays[argument];
  return {.name = fmt::format("rank {} {} of call {}", rank, file_.arguments[argument].label, call),
          .dtype = array.dtype,
          .address = address,
          .tolerance = file_.tolerance,
          .bytes = {array.data, array.data + array.size_bytes()}};
}

ContributionCall CaseCalls::contribution_call(std::int64_t call, int rank) {
  const CaseCollectiveCall& expected = *at(call, rank).numbers.collective();
  return {.collective = expected.collective,
          .op = expected.op,
          .root = expected.root,
          .ranks = ranks_,
          .rank = rank,
          .call = static_cast<std::uint32_t>(call),
          .count = expected.count};
}

void CaseCalls::report_contribution(std::span<EventReader* const> readers, std::int64_t call,
                                    int rank) {
  const auto& expected = at(call, rank).numbers.collective();
  if (readers.empty() || !expected) return;
  peal::report_contribution(readers, contribution_call(call, rank),
                            at(call, rank).arrays[expected->send]);
}

void CaseCalls::report_expectation(std::span<EventReader* const> readers, std::int64_t call,
                                   int rank) {
  const auto& expected = at(call, rank).numbers.collective();
  if (readers.empty() || !expected || !at(call, rank).numbers.receives(expected->recv)) return;
  peal::report_expectation(readers, contribution_call(call, rank),
                           at(call, rank).arrays[expected->recv]);
}

}  // namespace peal
