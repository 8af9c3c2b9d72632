// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peal/machine/device.h"
#include "peal/machine/dtype.h"
#include "peal/machine/plain_function.h"
#include "peal/machine/reduce_op.h"
#include "peal/machine/team.h"

namespace peal {

// A number that a kernel is made for, such as a count, and that a run may set to another. It is an
// integer expression over P (ranks), rank, call (from 0) and the values before it; other
// expressions of the description may name it.
struct KernelValue {
  std::string name;
  std::string value;
};

// A buffer that a kernel gets. Its length and what it holds at first are integer expressions as in
// a case file: over P, rank, call, the kernel's values and, in a fill, i (the element).
struct KernelBuffer {
  enum class Kind : std::uint8_t {
    input,   // private to the rank, filled before every call
    output,  // private to the rank, looked at after every call
    inout,
    window,  // symmetric, zero at first, the same in every call
  };
  std::string name;
  Kind kind = Kind::window;
  std::string count;
  std::string fill = {};  // input and inout; without one, zeros
  DType dtype = DType::f32;
};

// A row of signals, the same in every call.
struct KernelSignals {
  std::string name;
  std::string count;
};

// What a kernel finds at a call, by the names of its description.
class KernelArguments {
 public:
  virtual ~KernelArguments() = default;
  // The team that the kernel's device is of, for collectives and splits in a kernel.
  [[nodiscard]] virtual Team& team() const = 0;
  // The number of the call on these windows, from 0.
  [[nodiscard]] virtual std::int64_t call() const = 0;
  // Throws Error for a name that the description does not have.
  [[nodiscard]] virtual std::int64_t value(std::string_view name) const = 0;
  [[nodiscard]] virtual View buffer(std::string_view name) const = 0;
  [[nodiscard]] virtual SignalRow signals(std::string_view name) const = 0;
};

// What the output of a kernel must be: the result of a named collective on the first input and
// output, or an expression over P, rank, call, the values and i for each output in its order.
struct KernelExpectation {
  std::string collective = {};  // all_reduce, reduce_scatter, reduce, broadcast, gather, ...
  ReduceOp op = ReduceOp::sum;
  std::string root = "0";
  std::vector<std::string> outputs = {};
};

// A kernel of one's own, with all that is needed to run and check it.
struct Kernel {
  std::string name;
  AnyFunction<void(Device& self, const KernelArguments& args)> run;
  std::vector<KernelBuffer> buffers = {};
  std::vector<KernelSignals> signals = {};
  std::optional<KernelExpectation> expect = {};
  int min_ranks = 1;
  int max_ranks = 65536;
  int calls = 2;  // calls in a row that it is made for; 1 = it needs fresh windows
  double tolerance = 1e-3;
  std::vector<KernelValue> values = {};
};

}  // namespace peal

// Defined by a source file that is named on the command line.
peal::Kernel peal_kernel();
