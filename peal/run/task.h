// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "peal/base/api.h"
#include "peal/machine/team.h"
#include "peal/machine/view.h"

namespace PEAL_API peal {

// What a task does with an array argument.
enum class TaskDirection : std::int32_t { input, output, inout, no_dep };

[[nodiscard]] constexpr const char* name(TaskDirection direction) {
  constexpr const char* names[] = {"in", "out", "inout", "no_dep"};
  return names[static_cast<std::size_t>(direction)];
}

// A type of numbers that can be an argument of a task.
template <class T>
concept TaskScalar = (std::is_arithmetic_v<T> || std::is_enum_v<T>)&&sizeof(T) <= 8;

// The representation of a number argument. It must be read as the kind that it was given as.
enum class ScalarKind : std::uint8_t { integer, f32, f64 };
template <TaskScalar T>
inline constexpr ScalarKind scalar_kind = std::is_same_v<T, float>    ? ScalarKind::f32
                                          : std::is_same_v<T, double> ? ScalarKind::f64
                                                                      : ScalarKind::integer;

// An argument of a task on one device: an array in the device's memory, a number of at most eight
// bytes, or a context, which is the device's place in a domain.
struct TaskArgument {
  enum class Kind : std::uint8_t { array, scalar, context };
  Kind kind = Kind::array;
  TaskDirection direction{};  // of an array
  bool in_window = false;     // of an array: peers of the task's domain can address it
  // Of an array: every rank of the domain has a member in this task, and the corresponding arrays
  // of all members lie in windows, too.
  bool in_windows = false;
  View view = {};  // of an array
  ScalarKind scalar_kind{};
  std::uint64_t scalar = 0;  // the number's bytes, in the low-order bytes
};

// True if `view` is a part of an argument with `in_windows`, so that every rank's counterpart lies
// in a window.
[[nodiscard]] inline bool lies_in_windows(std::span<const TaskArgument> arguments,
                                          const ConstView& view) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const TaskArgument& argument) {
    return argument.in_windows && view.data >= argument.view.data &&
           view.data + view.size_bytes() <= argument.view.data + argument.view.size_bytes();
  });
}

// A program that can run as a task on a device. A driver refuses the kinds that it cannot run.
class TaskProgram {
 public:
  virtual ~TaskProgram() = default;
};

class DeviceProgram;

// A description from which another process can make the same program. That process was forked from
// this one before the program was made, so it has all functions at the same addresses, but none of
// the program's data.
struct ProgramDescriptor {
  using Function = void (*)();
  std::unique_ptr<const DeviceProgram> (*make)(const ProgramDescriptor& descriptor) = nullptr;
  std::string text = {};
  Function function = nullptr;  // the plain function that the program calls, or null
};

// A program in the verbs of a Device, which every driver runs. Its team is that of the domain whose
// context is among the arguments, or this device alone. A team lives as long as its domain.
class DeviceProgram : public TaskProgram {
 public:
  virtual void run(Team& team, std::span<const TaskArgument> arguments) const = 0;

  // Throws Error if there is none; the text gives the reason, without the program's name.
  [[nodiscard]] virtual ProgramDescriptor descriptor() const;
};

}  // namespace peal
