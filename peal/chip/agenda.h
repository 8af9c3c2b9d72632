// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/base/units.h"

namespace peal {

// This folder models the chips of a run: cores, and what they share. Read this header first (what a
// step is), then core/core.h (one core), fabric.h (global memory, links, stores and signals in
// flight), tile_operation.h and polled_words.h.

// Identifies a step, the atomic unit of simulated execution: a core's scalar unit runs until it
// suspends, a pipe executes one instruction, a store becomes visible, or a notify arrives.
struct StepId {
  enum class Kind : std::uint32_t { scalar = 0, pipe = 1, visible = 2, arrival = 3 };

  std::uint32_t bits = 0;

  [[nodiscard]] static StepId scalar(int core) { return {pack(Kind::scalar, core, 0)}; }
  [[nodiscard]] static StepId pipe(int core, int pipe) { return {pack(Kind::pipe, core, pipe)}; }
  [[nodiscard]] static StepId visible(int slot) { return {pack(Kind::visible, slot, 0)}; }
  [[nodiscard]] static StepId arrival(int slot) { return {pack(Kind::arrival, slot, 0)}; }

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(bits & 3u); }
  [[nodiscard]] int pipe() const { return static_cast<int>((bits >> 2) & 15u); }
  [[nodiscard]] int index() const { return static_cast<int>(bits >> 6); }  // of the core or slot

 private:
  static std::uint32_t pack(Kind kind, int index, int pipe) {
    return static_cast<std::uint32_t>(index) << 6 | static_cast<std::uint32_t>(pipe) << 2 |
           static_cast<std::uint32_t>(kind);
  }
};

// The set of enabled steps, each with the earliest time at which it can be taken. The policy that
// picks the next one is the schedule.
//
// Every choice is an execution that the hardware allows, by three properties:
// 1. A step is added only once everything that has to precede it has happened: only the head of a
//    pipe's queue is a step, after its flags and barriers; a blocked scalar unit is none.
// 2. An enabled step stays enabled until it is taken. No other step withdraws it, so delaying it is
//    always possible.
// 3. `time` is a lower bound. Hardware gives no upper bound on any delay, so a schedule may take a
//    step later, at the time of a step that it took before, but never earlier.
class Agenda {
 public:
  virtual ~Agenda() = default;

  // Precondition: `time` is not before the time of the last step taken by the run.
  virtual void add(Picoseconds time, StepId step) = 0;
  // Removes the next step; times never decrease from call to call. False if no step is enabled.
  virtual bool take(Picoseconds& time, StepId& step) = 0;
};

}  // namespace peal
