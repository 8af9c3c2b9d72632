// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pto/comm/comm_types.hpp"
#include "pto/pto-inst.hpp"

// TNOTIFY, TWAIT and TTEST on signals: tensors of int32 in global memory. TNOTIFY uses the first.

namespace pto::comm {

namespace detail {

using pto::detail::EventArgument;
using pto::detail::here;
using pto::detail::host;
using pto::detail::Place;

template <class SignalT>
std::int32_t* first_cell(const SignalT& signal) {
  static_assert(pto::detail::is_global<SignalT> && sizeof(typename SignalT::RawDType) == 4,
                "a signal is a tensor of int32_t");
  return const_cast<std::int32_t*>(signal.data());
}

// True if fn returns true for every cell; stops at the first for which it does not.
template <class SignalT, class Fn>
bool every_cell(const SignalT& signal, Fn fn) {
  const auto size = [&](int i) { return signal.GetShape(i); };
  for (std::int64_t i0 = 0; i0 < size(0); ++i0)
    for (std::int64_t i1 = 0; i1 < size(1); ++i1)
      for (std::int64_t i2 = 0; i2 < size(2); ++i2)
        for (std::int64_t i3 = 0; i3 < size(3); ++i3)
          for (std::int64_t i4 = 0; i4 < size(4); ++i4) {
            const std::int64_t offset = i0 * signal.GetStride(0) + i1 * signal.GetStride(1) +
                                        i2 * signal.GetStride(2) + i3 * signal.GetStride(3) +
                                        i4 * signal.GetStride(4);
            if (!fn(first_cell(signal) + offset)) return false;
          }
  return true;
}

}  // namespace detail

template <class SignalT>
void TNOTIFY(SignalT& signal, std::int32_t value, NotifyOp op,
             detail::Place place = detail::here()) {
  detail::host->notify(detail::first_cell(signal), value, static_cast<std::int32_t>(op), place);
}
template <class SignalT, class... Rest>
void TNOTIFY(SignalT& signal, std::int32_t value, NotifyOp op, detail::EventArgument event,
             Rest&&...) {
  TNOTIFY(signal, value, op, event.place);
}

template <class SignalT>
bool TTEST(SignalT& signal, std::int32_t value, WaitCmp cmp, detail::Place place = detail::here()) {
  return detail::every_cell(signal, [&](std::int32_t* cell) {
    return detail::host->test(cell, value, static_cast<std::int32_t>(cmp), place) != 0;
  });
}
template <class SignalT, class... Rest>
bool TTEST(SignalT& signal, std::int32_t value, WaitCmp cmp, detail::EventArgument event,
           Rest&&...) {
  return TTEST(signal, value, cmp, event.place);
}

// Spins until every cell satisfies the comparison in one sweep.
template <class SignalT>
void TWAIT(SignalT& signal, std::int32_t value, WaitCmp cmp, detail::Place place = detail::here()) {
  std::int32_t* unsatisfied = nullptr;
  std::int64_t cells = 0;
  const auto satisfied = [&](std::int32_t* cell) {
    if (detail::host->test(cell, value, static_cast<std::int32_t>(cmp), place) != 0) return true;
    unsatisfied = cell;
    return false;
  };
  detail::every_cell(signal, [&](std::int32_t*) { return ++cells < 2; });
  if (cells == 1) {
    return detail::host->wait(detail::first_cell(signal), value, static_cast<std::int32_t>(cmp),
                              place);
  }
  if (cmp == WaitCmp::GE || cmp == WaitCmp::GT) {  // counters only grow: wait for them in turn
    detail::every_cell(signal, [&](std::int32_t* cell) {
      detail::host->wait(cell, value, static_cast<std::int32_t>(cmp), place);
      return true;
    });
    return;
  }
  while (!detail::every_cell(signal, satisfied)) {
    detail::host->wait(unsatisfied, value, static_cast<std::int32_t>(cmp), place);
  }
}
template <class SignalT, class... Rest>
void TWAIT(SignalT& signal, std::int32_t value, WaitCmp cmp, detail::EventArgument event,
           Rest&&...) {
  TWAIT(signal, value, cmp, event.place);
}

}  // namespace pto::comm
