// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "peal_kernel.hpp"
#include "tensor.h"

// The API of orchestration shims. A shim runs once per rank and call, before the kernels, and
// submits the tasks of one chip.

struct PTO2OrchestrationConfig {
  int expected_arg_count = 0;
};

// A tensor among a shim's arguments.
class TensorArgument {
 public:
  explicit TensorArgument(const ChipTensor* tensor) : tensor_(tensor) {}
  [[nodiscard]] const ChipTensor& ref() const { return *tensor_; }
  operator const ChipTensor&() const { return *tensor_; }

 private:
  const ChipTensor* tensor_;
};

// The arguments of a shim: tensors and scalars, each numbered from 0.
class ChipTaskArgs {
 public:
  ChipTaskArgs(const ChipTensor* tensors, std::size_t tensor_count, const std::uint64_t* scalars,
               std::size_t scalar_count)
      : tensors_(tensors),
        tensor_count_(tensor_count),
        scalars_(scalars),
        scalar_count_(scalar_count) {}

  [[nodiscard]] TensorArgument tensor(
      std::size_t i, peal::pto_abi::Place place = peal::kernel_side::here()) const {
    if (i >= tensor_count_)
      peal::kernel_side::host->shim_fail("it asks for a tensor that it was not given", place);
    return TensorArgument(tensors_ + i);
  }
  [[nodiscard]] std::uint64_t scalar(std::size_t i,
                                     peal::pto_abi::Place place = peal::kernel_side::here()) const {
    if (i >= scalar_count_)
      peal::kernel_side::host->shim_fail("it asks for a scalar that it was not given", place);
    return scalars_[i];
  }
  [[nodiscard]] std::size_t tensor_count() const { return tensor_count_; }
  [[nodiscard]] std::size_t scalar_count() const { return scalar_count_; }

 private:
  const ChipTensor* tensors_;
  std::size_t tensor_count_;
  const std::uint64_t* scalars_;
  std::size_t scalar_count_;
};
using ChipStorageTaskArgs = ChipTaskArgs;

inline ChipTensor from_tensor_arg(const TensorArgument& argument) { return argument.ref(); }

// The arguments of one task. The kernel gets the tensors first, then the scalars, each as added.
class CoreTaskArgs {
 public:
  CoreTaskArgs& add_input(const ChipTensor& tensor) { return add(tensor, 0); }
  CoreTaskArgs& add_output(const ChipTensor& tensor) { return add(tensor, 1); }
  CoreTaskArgs& add_inout(const ChipTensor& tensor) { return add(tensor, 2); }
  CoreTaskArgs& add_no_dep(const ChipTensor& tensor) { return add(tensor, 3); }
  // Floating-point numbers are passed as their bit patterns.
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) CoreTaskArgs& add_scalar(T value) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t), "a scalar has at most 64 bits");
    if constexpr (std::is_floating_point_v<T>) {
      std::uint64_t bits = 0;
      __builtin_memcpy(&bits, &value, sizeof(value));
      scalars_.push_back(bits);
    } else {
      scalars_.push_back(static_cast<std::uint64_t>(value));
    }
    return *this;
  }

  void submit(std::int32_t function, std::int32_t is_cube, peal::pto_abi::Place place) const {
    const peal::pto_abi::Submission submission{
        function,        is_cube,         tensors_.data(), directions_.data(),
        tensors_.size(), scalars_.data(), scalars_.size(), place};
    peal::kernel_side::host->submit(&submission);
  }

 private:
  CoreTaskArgs& add(const ChipTensor& tensor, std::int32_t direction) {
    tensors_.push_back(tensor);
    directions_.push_back(direction);
    return *this;
  }

  std::vector<ChipTensor> tensors_;
  std::vector<std::int32_t> directions_;
  std::vector<std::uint64_t> scalars_;
};
using Arg = CoreTaskArgs;

inline void rt_submit_aiv_task(std::int32_t function, const CoreTaskArgs& args,
                               peal::pto_abi::Place place = peal::kernel_side::here()) {
  args.submit(function, 0, place);
}
inline void rt_submit_aic_task(std::int32_t function, const CoreTaskArgs& args,
                               peal::pto_abi::Place place = peal::kernel_side::here()) {
  args.submit(function, 1, place);
}
