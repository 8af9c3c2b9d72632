// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>

#include "peal/base/source_place.h"
#include "peal/machine/collective.h"
#include "peal/machine/team.h"

namespace peal {

// An argument of a collective: a view, or any contiguous range of a known element type, such as
// std::vector<float>.
class Elements {
 public:
  Elements() = default;
  Elements(const View& view) : view_(view) {}  // NOLINT: arguments convert at the call
  template <std::ranges::contiguous_range Range>
  Elements(Range&& range) {  // NOLINT: as above
    using T = std::ranges::range_value_t<Range>;
    // A collective never writes to what it is given as send; views do not know constness.
    view_ =
        View::of(std::span<T>(const_cast<T*>(std::ranges::data(range)), std::ranges::size(range)));
  }

  [[nodiscard]] const View& view() const { return view_; }

 private:
  View view_;
};

// One call of any collective, as every rank of the team makes it. `send` and `recv` belong to the
// call until it returns; they may be the same (in place), or the shorter this rank's own block of
// the longer, on all ranks or on none, but must not overlap in any other way. `send` is looked at,
// and `recv` written, only where `sends` and `receives` say so.
struct CollectiveCall {
  Collective collective{};
  View send = {};
  View recv = {};
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};

// Runs the call on this rank; returns when this rank's part is done. Throws Error for arguments
// that do not fit together, with their values, and RunError where another rank's call is found to
// differ, with both ranks' places. The place is the caller's.
void run_collective(Team& team, const CollectiveCall& call,
                    SourcePlace place = SourcePlace::here());

// Every rank gets the combination of all ranks' `send`: count elements each.
struct AllReduce {
  Elements send, recv;
  ReduceOp op = ReduceOp::sum;
  std::string_view algorithm = auto_algorithm;
};
void all_reduce(Team& team, const AllReduce& args, SourcePlace place = SourcePlace::here());

// Every rank gets all ranks' `send` of count elements, in rank order: ranks x count elements.
struct AllGather {
  Elements send, recv;
  std::string_view algorithm = auto_algorithm;
};
void all_gather(Team& team, const AllGather& args, SourcePlace place = SourcePlace::here());

// Rank r gets the combination of all ranks' block r: `send` is ranks x count, `recv` count.
struct ReduceScatter {
  Elements send, recv;
  ReduceOp op = ReduceOp::sum;
  std::string_view algorithm = auto_algorithm;
};
void reduce_scatter(Team& team, const ReduceScatter& args, SourcePlace place = SourcePlace::here());

// Block d of rank s becomes block s of rank d: both ranks x count.
struct AllToAll {
  Elements send, recv;
  std::string_view algorithm = auto_algorithm;
};
void all_to_all(Team& team, const AllToAll& args, SourcePlace place = SourcePlace::here());

// Every rank gets the root's `send`: count elements each.
struct Broadcast {
  Elements send, recv;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};
void broadcast(Team& team, const Broadcast& args, SourcePlace place = SourcePlace::here());

// The root gets the combination of all ranks' `send`: count elements each.
struct Reduce {
  Elements send, recv;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};
void reduce(Team& team, const Reduce& args, SourcePlace place = SourcePlace::here());

// The root gets all ranks' `send` of count elements, in rank order: ranks x count elements.
struct Gather {
  Elements send, recv;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};
void gather(Team& team, const Gather& args, SourcePlace place = SourcePlace::here());

// Rank r gets the root's block r: `send` is ranks x count, `recv` count.
struct Scatter {
  Elements send, recv;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};
void scatter(Team& team, const Scatter& args, SourcePlace place = SourcePlace::here());

// Returns when every rank of the team has entered.
void barrier(Team& team, SourcePlace place = SourcePlace::here());

}  // namespace peal
