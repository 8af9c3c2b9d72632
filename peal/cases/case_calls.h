// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "peal/cases/case_call.h"
#include "peal/cases/case_result.h"
#include "peal/cases/contribution_events.h"
#include "peal/machine/view.h"

namespace peal {

// One rank's part in one call.
struct RankCall {
  CaseCall numbers;
  std::vector<View> arrays;     // per argument, as the call leaves it; empty for what is no array
  std::vector<std::byte> sent;  // what a named collective sends, as it was before the call

  // Keeps what is sent, which may be overwritten.
  void keep_sent();
};

// All calls of a run of a case, on every rank. The case has to outlive them.
class CaseCalls {
 public:
  CaseCalls(const CaseFile& file, int ranks, std::int64_t calls);

  [[nodiscard]] std::int64_t count() const { return calls_; }
  [[nodiscard]] int ranks() const { return ranks_; }
  [[nodiscard]] RankCall& at(std::int64_t call, int rank) {
    return parts_[static_cast<std::size_t>(call) * static_cast<std::size_t>(ranks_) +
                  static_cast<std::size_t>(rank)];
  }
  // The most elements that any rank has of an array, in that call.
  [[nodiscard]] std::size_t max_elements(std::int64_t call, std::size_t argument);

  // Tells readers what a rank contributes to a named collective, as a call begins, and what its
  // result must be made from, as it ends.
  void report_contribution(std::span<EventReader* const> readers, std::int64_t call, int rank);
  void report_expectation(std::span<EventReader* const> readers, std::int64_t call, int rank);

  // Compares what the arrays hold with what the case expects.
  void compare(CaseRunResult& result);
  // What the outputs hold. `address_of(call, rank, argument)` is where each lay in the run.
  template <class AddressOf>
  [[nodiscard]] std::vector<RunOutput> outputs(AddressOf&& address_of) {
    std::vector<RunOutput> result;
    for (std::int64_t call = 0; call < calls_; ++call) {
      for (int rank = 0; rank < ranks_; ++rank) {
        for (std::size_t i = 0; i < file_.arguments.size(); ++i) {
          if (!is_output(file_.arguments[i].kind) || at(call, rank).arrays[i].empty()) continue;
          result.push_back(output(call, rank, i, address_of(call, rank, i)));
        }
      }
    }
    return result;
  }

 private:
  [[nodiscard]] ContributionCall contribution_call(std::int64_t call, int rank);
  void compare_collective(CaseRunResult& result, std::int64_t call);
  [[nodiscard]] RunOutput output(std::int64_t call, int rank, std::size_t argument,
                                 std::uint64_t address);

  const CaseFile& file_;
  int ranks_;
  std::int64_t calls_;
  std::vector<RankCall> parts_;  // by call, then rank
};

}  // namespace peal
