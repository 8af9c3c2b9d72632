// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>

#include "peal/base/api.h"
#include "peal/base/source_place.h"
#include "peal/machine/collective.h"
#include "peal/machine/team.h"

namespace PEAL_API peal {

// This folder checks a collective call, chooses an algorithm for it and launches that algorithm's
// kernel. This header is the whole public interface. Read collectives.cpp next: the path of a call,
// in six steps. Four types carry the call along it: CallArguments (call_arguments.h), CallPlan
// (call_plan.h, kept in plan_cache.h), ResolvedCall (resolved_call.h), and KernelCall
// (kernels/args.h), which kernel_launch.h makes for each launch. Then read scratch.h (halves of
// scratch memory), registry.h (the table of algorithms) and tuning/chooser.h (how `auto` chooses).

// A buffer that a collective may write, its `recv`: a view, or any contiguous range of elements of
// a known type that are not const, such as std::vector<float>.
class Elements {
 public:
  Elements() = default;
  Elements(const View& view) : view_(view) {}  // NOLINT: arguments convert at the call
  template <std::ranges::contiguous_range Range>
  requires(!std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<Range>>>)
      Elements(Range&& range)  // NOLINT: as above
      : view_(View::of(std::span<std::ranges::range_value_t<Range>>(std::ranges::data(range),
                                                                    std::ranges::size(range)))) {}

  [[nodiscard]] const View& view() const { return view_; }

 private:
  View view_;
};

// A buffer that a collective only reads, its `send`: what Elements takes, and views and ranges of
// const elements, such as const std::vector<float>.
class ConstElements {
 public:
  ConstElements() = default;
  ConstElements(const ConstView& view) : view_(view) {}                // NOLINT: as above
  ConstElements(const View& view) : view_(view) {}                     // NOLINT: as above
  ConstElements(const Elements& elements) : view_(elements.view()) {}  // NOLINT: as above
  template <std::ranges::contiguous_range Range>
  ConstElements(Range&& range)  // NOLINT: as above
      : view_(ConstView::of(std::span<const std::ranges::range_value_t<Range>>(
            std::ranges::data(range), std::ranges::size(range)))) {}

  [[nodiscard]] const ConstView& view() const { return view_; }

 private:
  ConstView view_;
};

// One call of any collective; every rank of the team makes the same one. The call owns `send` and
// `recv` until it returns. In place means that the two are the same memory or, where their lengths
// differ, that the shorter one is this rank's own block of the longer one; either all ranks call in
// place or none does. Any other overlap is an error. A rank's `send` is read only if
// sends(collective, rank, root), its `recv` written only if receives(collective, rank, root).
struct CollectiveCall {
  Collective collective{};
  ConstView send = {};
  View recv = {};
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};

// Runs the call on this rank and returns when this rank's part is complete. Throws Error, with the
// values, if the arguments do not fit together, and RunError, with both source places, if another
// rank is found to make a different call. `place` is the caller's source place, for reports.
void run_collective(Team& team, const CollectiveCall& call,
                    SourcePlace place = SourcePlace::here());

// Every rank receives the reduction of all ranks' `send`; `send` and `recv` have count elements.
struct AllReduce {
  ConstElements send;
  Elements recv;
  ReduceOp op = ReduceOp::sum;
  std::string_view algorithm = auto_algorithm;
};
void all_reduce(Team& team, const AllReduce& args, SourcePlace place = SourcePlace::here());

// Every rank receives all ranks' `send`, in rank order: `send` has count elements, `recv` ranks x
// count.
struct AllGather {
  ConstElements send;
  Elements recv;
  std::string_view algorithm = auto_algorithm;
};
void all_gather(Team& team, const AllGather& args, SourcePlace place = SourcePlace::here());

// Rank r receives the reduction of block r of all ranks: `send` has ranks x count elements, `recv`
// count.
struct ReduceScatter {
  ConstElements send;
  Elements recv;
  ReduceOp op = ReduceOp::sum;
  std::string_view algorithm = auto_algorithm;
};
void reduce_scatter(Team& team, const ReduceScatter& args, SourcePlace place = SourcePlace::here());

// Block d of rank s's `send` becomes block s of rank d's `recv`; both have ranks x count elements.
struct AllToAll {
  ConstElements send;
  Elements recv;
  std::string_view algorithm = auto_algorithm;
};
void all_to_all(Team& team, const AllToAll& args, SourcePlace place = SourcePlace::here());

// Every rank receives the root's `send`; `send` (at the root) and `recv` have count elements.
struct Broadcast {
  ConstElements send;
  Elements recv;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};
void broadcast(Team& team, const Broadcast& args, SourcePlace place = SourcePlace::here());

// The root receives the reduction of all ranks' `send`; `send` and `recv` (at the root) have count
// elements.
struct Reduce {
  ConstElements send;
  Elements recv;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};
void reduce(Team& team, const Reduce& args, SourcePlace place = SourcePlace::here());

// The root receives all ranks' `send`, in rank order: `send` has count elements, `recv` (at the
// root) ranks x count.
struct Gather {
  ConstElements send;
  Elements recv;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};
void gather(Team& team, const Gather& args, SourcePlace place = SourcePlace::here());

// Rank r receives block r of the root's `send`: `send` (at the root) has ranks x count elements,
// `recv` count.
struct Scatter {
  ConstElements send;
  Elements recv;
  int root = 0;
  std::string_view algorithm = auto_algorithm;
};
void scatter(Team& team, const Scatter& args, SourcePlace place = SourcePlace::here());

// Returns when every rank of the team has entered the barrier.
void barrier(Team& team, SourcePlace place = SourcePlace::here());

}  // namespace peal
