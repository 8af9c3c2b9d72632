// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "peal/base/units.h"

namespace peal {

// Names one step that somebody can take: a core's scalar unit or pipe, a store that becomes
// visible, or a notify that arrives.
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

// The steps that are enabled now, each with the earliest time at which it can be taken. Which one
// is next is the policy; every choice is an execution that the hardware allows.
class Agenda {
 public:
  virtual ~Agenda() = default;

  // `time` is never before that of the last step taken.
  virtual void add(Picoseconds time, StepId step) = 0;
  // The next step, or false when none is enabled.
  virtual bool take(Picoseconds& time, StepId& step) = 0;
};

}  // namespace peal
