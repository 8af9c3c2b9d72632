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

// One rank's numbers and arrays in one call.
struct RankCall {
  CaseCall numbers;
  std::vector<View> arrays;     // by argument, after the call; empty if it is not an array
  std::vector<std::byte> sent;  // copy of a named collective's send array before the call

  // Copies the send array, which the call may overwrite.
  void keep_sent();
};

// All calls of a run on all ranks, up to 2^20 in total. The CaseFile has to outlive this object.
class CaseCalls {
 public:
  CaseCalls(const CaseFile& file, int ranks, std::int64_t calls);

  [[nodiscard]] std::int64_t count() const { return calls_; }
  [[nodiscard]] int ranks() const { return ranks_; }
  [[nodiscard]] RankCall& at(std::int64_t call, int rank) {
    return parts_[static_cast<std::size_t>(call) * static_cast<std::size_t>(ranks_) +
                  static_cast<std::size_t>(rank)];
  }
  // The maximum over all ranks of an array's count in that call.
  [[nodiscard]] std::size_t max_elements(std::int64_t call, std::size_t argument);

  // Report to the readers, for a named collective: as a call begins, the elements that the rank
  // contributes; as it ends, the contributions that the rank's result must consist of.
  void report_contribution(std::span<EventReader* const> readers, std::int64_t call, int rank);
  void report_expectation(std::span<EventReader* const> readers, std::int64_t call, int rank);

  // Compares all arrays with what the case expects, and records the result.
  void compare(CaseRunResult& result);
  // Copies of all outputs. `address_of(call, rank, argument)` returns an output's address in the
  // run.
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
