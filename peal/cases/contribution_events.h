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

// A rank's part in a call of a collective on blocks of `count` elements.
struct ContributionCall {
  Collective collective{};
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  int ranks = 1, rank = 0;
  std::uint32_t call = 0;
  std::size_t count = 0;
};

// Tells readers what the rank contributes: the elements of `send`, as the call begins.
void report_contribution(std::span<EventReader* const> readers, const ContributionCall& call,
                         const View& send);
// Tells them what `recv` must be made from, when the call has ended.
void report_expectation(std::span<EventReader* const> readers, const ContributionCall& call,
                        const View& recv);

}  // namespace peal
