// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "peal/machine/collective.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/view.h"
#include "peal/run/event.h"

namespace peal {

// A rank's part in a call of a collective; `count` is the number of elements per block.
struct ContributionCall {
  Collective collective{};
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  int ranks = 1, rank = 0;
  std::uint32_t call = 0;
  std::size_t count = 0;
};

// As a call begins: reports that the rank contributes the elements of `send`.
void report_contribution(std::span<EventReader* const> readers, const ContributionCall& call,
                         const View& send);
// When the call has ended: reports, for each block of `recv`, the contributions that it must
// consist of.
void report_expectation(std::span<EventReader* const> readers, const ContributionCall& call,
                        const View& recv);

}  // namespace peal
