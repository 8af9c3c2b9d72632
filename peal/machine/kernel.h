// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/api.h"
#include "peal/machine/device.h"
#include "peal/machine/dtype.h"
#include "peal/machine/plain_function.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/team.h"

namespace PEAL_API peal {

// Folder machine/: the abstract machine that kernels are written for, simulated or real. This file
// describes a kernel and how to check it. Read next: device.h (the verbs), then view.h, window.h
// and signal.h (their arguments), team.h, and calls/call_record.h (how unlike calls are detected).

// A parameter of a kernel, such as a count, with a default that a run may override. `value` is an
// integer expression over P (ranks), rank, call (from 0) and earlier values; later expressions of
// the description may use its name.
struct KernelValue {
  std::string name;
  std::string value;
};

// A buffer that a kernel gets. `count`, in elements, and `fill`, the initial value of element i,
// are integer expressions as in a case file, over P, rank, call, the kernel's values and, in
// `fill`, i.
struct KernelBuffer {
  enum class Kind : std::uint8_t {
    input,   // private to the rank, filled before every call
    output,  // private to the rank, checked after every call
    inout,   // both
    window,  // symmetric, zero at first, kept from call to call
  };
  std::string name;
  Kind kind = Kind::window;
  std::string count;
  std::string fill = {};  // for input and inout; if empty, zeros
  DType dtype = DType::f32;
};

// A row of `count` signals, kept from call to call.
struct KernelSignals {
  std::string name;
  std::string count;
};

// The arguments of one call of a kernel, by the names of its description.
class KernelArguments {
 public:
  virtual ~KernelArguments() = default;
  // The team of the kernel's device, for collectives and splits within a kernel.
  [[nodiscard]] virtual Team& team() const = 0;
  // The number of the call on these windows, from 0.
  [[nodiscard]] virtual std::int64_t call() const = 0;
  // These three throw Error for a name that the description does not have.
  [[nodiscard]] virtual std::int64_t value(std::string_view name) const = 0;
  [[nodiscard]] virtual View buffer(std::string_view name) const = 0;
  [[nodiscard]] virtual SignalRow signals(std::string_view name) const = 0;
};

// The expected output of a kernel: the result of `collective` from the first input to the first
// output, or else an expression for each output, over P, rank, call, the values and i.
struct KernelExpectation {
  std::string collective = {};  // all_reduce, reduce_scatter, reduce, broadcast, gather, ...
  ReduceOp op = ReduceOp::sum;
  std::string root = "0";
  std::vector<std::string> outputs = {};
};

// A user's kernel, with everything that is needed to run and check it.
struct Kernel {
  std::string name;
  AnyFunction<void(Device& self, const KernelArguments& args)> run;
  std::vector<KernelBuffer> buffers = {};
  std::vector<KernelSignals> signals = {};
  std::optional<KernelExpectation> expect = {};
  int min_ranks = 1;
  int max_ranks = 65536;
  int calls = 2;  // how many calls in a row the windows support; 1: each call needs fresh windows
  double tolerance = 1e-3;  // absolute
  std::vector<KernelValue> values = {};
};

}  // namespace peal

// The entry point that a kernel's source file, named on the command line, must define.
peal::Kernel peal_kernel();
