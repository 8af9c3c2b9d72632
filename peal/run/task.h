// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "peal/machine/team.h"
#include "peal/machine/view.h"

namespace peal {

// What a task does with an array that it is given.
enum class TaskDirection : std::int32_t { input, output, inout, no_dep };

[[nodiscard]] constexpr const char* name(TaskDirection direction) {
  constexpr const char* names[] = {"in", "out", "inout", "no_dep"};
  return names[static_cast<std::size_t>(direction)];
}

// A number that can be an argument of a task.
template <class T>
concept TaskScalar = (std::is_arithmetic_v<T> || std::is_enum_v<T>)&&sizeof(T) <= 8;

// Whether a number is kept as an integer, a float or a double: what it was given as, it has to be
// asked for as.
enum class ScalarKind : std::uint8_t { integer, f32, f64 };
template <TaskScalar T>
inline constexpr ScalarKind scalar_kind = std::is_same_v<T, float>    ? ScalarKind::f32
                                          : std::is_same_v<T, double> ? ScalarKind::f64
                                                                      : ScalarKind::integer;

// An argument of a task on one device: an array in the device's memory, a number of at most eight
// bytes, or the place of the device in a domain.
struct TaskArgument {
  enum class Kind : std::uint8_t { array, scalar, context };
  Kind kind = Kind::array;
  TaskDirection direction{};  // of an array
  bool in_window = false;     // of an array: peers of the task's domain can address it
  // Of an array: every rank of the domain has a member in this task, and all arrays that do the
  // same for their members lie in windows, too.
  bool in_windows = false;
  View view = {};  // of an array
  ScalarKind scalar_kind{};
  std::uint64_t scalar = 0;  // its bytes, the lowest first
};

// Whether it is a part of such an array, and so every rank's counterpart lies in a window.
[[nodiscard]] inline bool lies_in_windows(std::span<const TaskArgument> arguments,
                                          const View& view) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const TaskArgument& argument) {
    return argument.in_windows && view.data >= argument.view.data &&
           view.data + view.size_bytes() <= argument.view.data + argument.view.size_bytes();
  });
}

// What can run as a task on a device. Which kinds there are is the executors' affair: one that
// cannot run a program refuses it.
class TaskProgram {
 public:
  virtual ~TaskProgram() = default;
};

class DeviceProgram;

// What another process makes the same program from, which was forked from this one before the
// program was made. It has all functions at the same places, and nothing else of the program.
struct ProgramDescriptor {
  using Function = void (*)();
  std::unique_ptr<const DeviceProgram> (*make)(const ProgramDescriptor& descriptor) = nullptr;
  std::string text = {};
  Function function = nullptr;  // that it calls; null where there is none
};

// A program in the verbs of a Device, which every executor runs. The team is that of the domain
// whose context the task has, or of this device alone. It lives as long as the domain.
class DeviceProgram : public TaskProgram {
 public:
  virtual void run(Team& team, std::span<const TaskArgument> arguments) const = 0;

  // Throws Error where there is none, with the reason but not the name.
  [[nodiscard]] virtual ProgramDescriptor descriptor() const;
};

}  // namespace peal
