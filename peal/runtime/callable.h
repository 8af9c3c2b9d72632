// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "peal/base/api.h"
#include "peal/collectives/collectives.h"
#include "peal/machine/kernel.h"
#include "peal/run/task.h"

namespace PEAL_API peal {

// The arguments of a task as its function reads them, by index. Functions throw OutOfRange for an
// index beyond the last argument, and Error for an argument of another kind.
class TaskArguments {
 public:
  explicit TaskArguments(std::span<const TaskArgument> arguments) : arguments_(arguments) {}

  [[nodiscard]] std::size_t size() const { return arguments_.size(); }
  // The array argument.
  [[nodiscard]] View view(std::size_t index) const {
    return at(index, TaskArgument::Kind::array).view;
  }
  // The elements of an array argument; throws Error if T is not its type. Only for host functions:
  // on a device, such a direct access is not ordered after earlier asynchronous verbs, and the
  // checks do not see it. Use Device::read, write and compute there.
  template <class T>
  [[nodiscard]] std::span<T> elements(std::size_t index) const {
    const View view = at(index, TaskArgument::Kind::array).view;
    if (view.dtype != DTypeOf<std::remove_const_t<T>>::value) {
      refuse_type(index, DTypeOf<std::remove_const_t<T>>::value);
    }
    return {reinterpret_cast<T*>(view.data), view.count};
  }
  // The scalar argument; throws Error if T is not of the kind (integer, float or double) in which
  // it was submitted.
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

// One device's call of a callable, as it is checked on submission.
struct CallableCall {
  std::span<const TaskArgument> arguments;
  bool has_context = false;
  int rank = 0, ranks = 1;  // in the domain of the context; without a context 0 of 1
  // The number of earlier calls by this rank, in the domain, or without a domain in the run.
  std::int64_t call = 0;
  // The first call of the same group, if it is in the same domain; null for the first call itself.
  const CallableCall* first = nullptr;
};

// A program that can run as a task on devices. Worker::add registers it.
struct Callable {
  std::string name;
  std::shared_ptr<const TaskProgram> program;
  // Throws Error for arguments of the wrong number, kinds, types or counts. Empty: no check.
  std::function<void(const CallableCall&)> check = {};
};

// A library collective. Arguments: the send array (`in`) and the receive array (`out`), as far as
// the rank has them, or one `inout` array for both where their lengths are equal; and the context.
struct CollectiveOptions {
  ReduceOp op = ReduceOp::sum;
  int root = 0;
  std::string algorithm = "auto";
};
[[nodiscard]] Callable collective(const std::string& name, const CollectiveOptions& options = {});

// A described kernel. Arguments: its buffers, in the order of its description (those of kind window
// as `inout`, in the window of the domain), and the context. Its signals are allocated at its first
// call in a domain, and live as long as the domain. Throws Error for a description that is invalid.
[[nodiscard]] Callable kernel(const Kernel& kernel);

// A function that uses the verbs of a Device, with any arguments. What it allocates lives as long
// as the domain. Throws Error for an empty name or function.
using DeviceFunction = AnyFunction<void(Device& self, const TaskArguments& arguments)>;
[[nodiscard]] Callable device_function(const std::string& name, DeviceFunction function);

}  // namespace peal
