// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "peal/cases/case_file.h"
#include "peal/machine/collective.h"
#include "peal/machine/view.h"

namespace peal {

// What a case is on `ranks` ranks, the same on each of them and at each call.
struct CaseSetup {
  int blocks = 1;  // of the kernel, per rank
  int cores = 1;   // of a rank, at least blocks
  std::int64_t calls = 1;
  std::vector<std::size_t> window_bytes;  // one per window of the case
};

// Throws Error, which names the key, for ranks outside rank_limit and for what makes no sense.
[[nodiscard]] CaseSetup case_setup(const CaseFile& file, int ranks);

// Fills the view with what no kernel writes: NaN of an odd payload, or a pattern of integers.
void fill_poison(const View& view);

struct CasePoint {
  int ranks = 1;
  int rank = 0;
  std::int64_t call = 0;
};

// What the reference needs to compare a call with a collective.
struct CaseCollectiveCall {
  Collective collective{};
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::size_t count = 0;           // elements of a block
  std::size_t send = 0, recv = 0;  // indexes of arguments
};

// The first element of an output that differs by more than the tolerance.
struct CaseMismatch {
  std::size_t element = 0;
  std::string value, expected;
};

struct CaseDifference {
  double max = 0;  // the largest |value - expected|; infinity where only one of them is NaN
  std::optional<CaseMismatch> mismatch;
};

// One rank's part in one call: the numbers of the case with P, rank and call in their places. The
// case file has to outlive it. Arguments are named by their index.
class CaseCall {
 public:
  // Throws Error for a number that cannot be: below 0, too large, a root that is no rank.
  CaseCall(const CaseFile& file, const CasePoint& point);

  // Elements of an array.
  [[nodiscard]] std::size_t count(std::size_t argument) const;
  // The bit pattern that a kernel gets for a scalar.
  [[nodiscard]] std::uint64_t scalar(std::size_t argument) const;

  // Fills an array, of the argument's dtype and count, with what it holds before the call. In a
  // named collective the elements that are sent differ from call to call even if `fill` says
  // nothing of `call`, so that what is left from the call before is a wrong result.
  void fill(std::size_t argument, const View& view) const;

  // The collective to compare with, if the case names one.
  [[nodiscard]] const std::optional<CaseCollectiveCall>& collective() const { return collective_; }

  // Whether the case may give this rank a result in the argument: only the root receives in some
  // collectives.
  [[nodiscard]] bool receives(std::size_t argument) const;

  // For each of the file's expected_outputs: what the array has to hold, as its type holds it.
  void expect(const ExpectedOutput& output, const View& view) const;
  [[nodiscard]] CaseDifference compare(const ExpectedOutput& output, const View& actual) const;
  // The same for what is no argument, such as a window.
  void fill(const CaseFill& how, const View& view, std::int64_t shift_by = 0) const;
  [[nodiscard]] CaseDifference compare(const CaseNumber& number, const View& actual) const;

 private:
  [[nodiscard]] std::int64_t evaluate(const CaseNumber& number) const;
  [[nodiscard]] CaseCollectiveCall evaluate(const ExpectedCollective& expected) const;
  template <class Consume>
  void each_element(const CaseNumber& number, std::size_t count, Consume consume) const;

  const CaseFile& file_;
  CasePoint point_;
  std::vector<std::int64_t> scope_;    // P, rank, call, the values, i
  std::vector<std::int64_t> numbers_;  // per argument: count or scalar
  std::optional<CaseCollectiveCall> collective_;
};

}  // namespace peal
