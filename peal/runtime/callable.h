// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "peal/collectives/collectives.h"
#include "peal/machine/kernel.h"
#include "peal/run/task.h"

namespace peal {

// What a function finds as the arguments of its task, in their order.
class TaskArguments {
 public:
  explicit TaskArguments(std::span<const TaskArgument> arguments) : arguments_(arguments) {}

  [[nodiscard]] std::size_t size() const { return arguments_.size(); }
  // Throws Error for an argument that there is not, or that is no array.
  [[nodiscard]] View view(std::size_t index) const {
    return at(index, TaskArgument::Kind::array).view;
  }
  // The elements of an array; throws Error for another type than it has. For host functions: on a
  // device only Device::read, write and compute come after the verbs before them, and are what the
  // checks see.
  template <class T>
  [[nodiscard]] std::span<T> elements(std::size_t index) const {
    const View view = at(index, TaskArgument::Kind::array).view;
    if (view.dtype != DTypeOf<std::remove_const_t<T>>::value) {
      refuse_type(index, DTypeOf<std::remove_const_t<T>>::value);
    }
    return {reinterpret_cast<T*>(view.data), view.count};
  }
  // A number; throws Error for a float that was given as an integer or the like.
  template <TaskScalar T>
  [[nodiscard]] T scalar(std::size_t index) const {
    const TaskArgument& argument = at(index, TaskArgument::Kind::scalar);
    if (argument.scalar_kind != scalar_kind<T>) refuse_scalar(index, scalar_kind<T>);
    const std::uint64_t bits = argument.scalar;
    if constexpr (std::is_floating_point_v<T>) {
      T value;
      std::memcpy(&value, &bits, sizeof(value));
      return value;
    } else {
      return static_cast<T>(bits);
    }
  }

 private:
  [[nodiscard]] const TaskArgument& at(std::size_t index, TaskArgument::Kind kind) const;
  [[noreturn]] void refuse_scalar(std::size_t index, ScalarKind asked) const;
  [[noreturn]] void refuse_type(std::size_t index, DType dtype) const;

  std::span<const TaskArgument> arguments_;
};

// One device's call of a callable, as it is submitted. Arrays of host memory are where the host has
// them.
struct CallableCall {
  std::span<const TaskArgument> arguments;
  bool has_context = false;
  int rank = 0, ranks = 1;  // of the context; of this device alone without one
  // How often this rank has been given it before, in the domain, or without one in the run.
  std::int64_t call = 0;
  // The first call of the same group in the same domain; null for that one itself.
  const CallableCall* first = nullptr;
};

// Something that can run as a task on devices, before a worker knows it.
struct Callable {
  std::string name;
  std::shared_ptr<const TaskProgram> program;
  // Throws Error for arguments that it does not take: their number, kinds, types and counts.
  std::function<void(const CallableCall&)> check = {};
};

// A library collective. Arguments: what is sent (`in`) and received (`out`), as far as the
// collective has them, or one `inout` for both where they are of one length; and the context.
struct CollectiveOptions {
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::string algorithm = "auto";
};
[[nodiscard]] Callable collective(const std::string& name, const CollectiveOptions& options = {});

// A described kernel. Arguments: its buffers, in their order (those of kind window as `inout`, in
// the window of the domain), and the context. Its signals are allocated with the domain.
[[nodiscard]] Callable kernel(const Kernel& kernel);

// A function in the verbs of a Device, with whatever arguments a task has. What it allocates lives
// as long as the domain.
using DeviceFunction = AnyFunction<void(Device& self, const TaskArguments& arguments)>;
[[nodiscard]] Callable device_function(const std::string& name, DeviceFunction function);

}  // namespace peal
