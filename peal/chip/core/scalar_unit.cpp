// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/scalar_unit.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace peal {

ScalarUnit::ScalarUnit(Fabric& fabric, int rank, int index)
    : fabric_(fabric),
      platform_(fabric.platform()),
      rank_(rank),
      index_(index),
      issue_ps_(platform_.cycles(platform_.core.issue_cycles)) {
  wake(0);
}

std::string ScalarUnit::spent_budget() const {
  if (instructions_ >= max_instructions) {
    return fmt::format("it has issued {} instructions and goes on; does its loop end?",
                       instructions_);
  }
  if (notifies_in_a_row_ >= max_notifies_in_a_row) {
    return fmt::format("it has sent {} notifies since it last waited; does its loop end?",
                       notifies_in_a_row_);
  }
  return {};
}

// Case 3 of the class.
void ScalarUnit::yield() {
  wake(clock_);
  leave();
}

void ScalarUnit::leave() {
  cache_.hide();
  fabric_.programs().suspend(index_);
}

void ScalarUnit::wait_for_signal(const Wait& wait) {
  wait_ = wait;
  while (!holds(wait.cmp, *wait.cell, wait.value)) suspend(Blocked::signal);
  notifies_in_a_row_ = 0;
}

// Invariant: the agenda holds exactly one scalar step of this core (stale ones aside) if and only
// if it is `asleep`. So everybody who calls wake() first checks for the reason for which it is
// blocked, and step() leaves the state `asleep`.
void ScalarUnit::wake(Picoseconds time) {
  blocked_ = Blocked::asleep;
  fabric_.agenda().add(std::max({clock_, time, fabric_.now()}), StepId::scalar(index_));
}

void ScalarUnit::step(Picoseconds time) {
  if (stale_steps_ != 0) {
    --stale_steps_;
    return;
  }
  blocked_ = Blocked::no;
  clock_ = std::max(clock_, time);
  fabric_.programs().resume(index_);
}

// A step cannot be withdrawn from the agenda. If the scalar unit is asleep, one of its steps is
// still to come, which `stale_steps_` counts. A stale step and a new one have the same StepId, so
// which of them is ignored makes no difference.
void ScalarUnit::restart() {
  cache_.hide();
  cache_.drop();
  in_kernel_ = is_unwinding_ = false;
  if (blocked_ == Blocked::asleep) ++stale_steps_;
  wake(fabric_.now());
}

void ScalarUnit::fail(std::exception_ptr failure) {
  if (!in_kernel_) std::rethrow_exception(std::move(failure));
  cache_.hide();
  fabric_.programs().abandon(index_, std::move(failure));
  std::abort();  // abandon() does not return
}

}  // namespace peal
