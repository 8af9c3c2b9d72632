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

// The numbers of a case that depend on the number of ranks only, not on the rank or the call.
struct CaseSetup {
  int blocks = 1;  // of a task, per rank
  int cores = 1;   // of each type, per rank; at least `blocks`
  std::int64_t calls = 1;
  std::vector<std::size_t> window_bytes;  // one per window of the case
};

// Evaluates them. Throws Error, which names the key, for an unsupported number of ranks and for
// values out of range.
[[nodiscard]] CaseSetup case_setup(const CaseFile& file, int ranks);

// Fills the view with poison, which an unwritten output keeps: NaNs with a conspicuous payload, or
// the byte 0xcd in integers.
void fill_poison(const View& view);

// One rank in one call.
struct CasePoint {
  int ranks = 1;
  int rank = 0;
  std::int64_t call = 0;
};

// A named collective with its numbers evaluated, as the reference implementation takes it.
struct CaseCollectiveCall {
  Collective collective{};
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::size_t count = 0;           // elements per block
  std::size_t send = 0, recv = 0;  // indexes of arguments
};

// An element that differs from its expected value by more than the tolerance.
struct CaseMismatch {
  std::size_t element = 0;
  std::string value, expected;
};

// The result of comparing one array; `mismatch` is the first one.
struct CaseDifference {
  double max = 0;  // max |value - expected|; infinity if exactly one of the two is NaN
  std::optional<CaseMismatch> mismatch;
};

// A case evaluated for one rank and one call: counts, scalars, contents of arrays. The CaseFile has
// to outlive it. Functions take the index of an argument.
class CaseCall {
 public:
  // Throws Error for a number out of range: a negative or too large count, or an invalid root.
  CaseCall(const CaseFile& file, const CasePoint& point);

  // The number of elements of an array.
  [[nodiscard]] std::size_t count(std::size_t argument) const;
  // The bit pattern that a kernel gets for a scalar.
  [[nodiscard]] std::uint64_t scalar(std::size_t argument) const;

  // Fills an array with its contents before the call. `view` has the argument's dtype and count. If
  // the argument is sent in a named collective and its `fill` does not depend on `call`, the
  // elements are shifted by 7 per call: otherwise a result left from the previous call would look
  // correct.
  void fill(std::size_t argument, const View& view) const;

  // The collective to compare with, if the case names one.
  [[nodiscard]] const std::optional<CaseCollectiveCall>& collective() const { return collective_; }

  // False if the argument receives the result of a collective that gives this rank none: in some,
  // only the root receives.
  [[nodiscard]] bool receives(std::size_t argument) const;

  // For one of the file's expected_outputs: fills `view` with the expected elements, converted to
  // its dtype; compares `actual` with them.
  void expect(const ExpectedOutput& output, const View& view) const;
  [[nodiscard]] CaseDifference compare(const ExpectedOutput& output, const View& actual) const;
  // The same for arrays that are not arguments, such as windows. `shift_by` is added to elements.
  void fill(const CaseFill& how, const View& view, std::int64_t shift_by = 0) const;
  [[nodiscard]] CaseDifference compare(const CaseNumber& number, const View& actual) const;

 private:
  [[nodiscard]] std::int64_t evaluate(const CaseNumber& number) const;
  [[nodiscard]] CaseCollectiveCall evaluate(const ExpectedCollective& expected) const;
  template <class Consume>
  void each_element(const CaseNumber& number, std::size_t count, Consume consume) const;

  const CaseFile& file_;
  CasePoint point_;
  std::vector<std::int64_t> scope_;    // values of P, rank, call and [values], in this order
  std::vector<std::int64_t> numbers_;  // by argument: its count, or its value as a scalar
  std::optional<CaseCollectiveCall> collective_;
};

}  // namespace peal
