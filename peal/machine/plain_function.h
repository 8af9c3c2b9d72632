// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "peal/base/api.h"

namespace PEAL_API peal {

// A std::function that remembers whether it was made from a plain function: a function pointer, or
// a lambda without captures. Only a plain function can be named by its address in other processes
// of the same program.
template <class Signature>
class AnyFunction;

template <class Result, class... Arguments>
class AnyFunction<Result(Arguments...)> : public std::function<Result(Arguments...)> {
 public:
  using Base = std::function<Result(Arguments...)>;
  using Plain = Result (*)(Arguments...);

  AnyFunction() = default;
  AnyFunction(std::nullptr_t) {}  // NOLINT: as std::function
  template <class Function>
  requires(std::is_invocable_r_v<Result, std::decay_t<Function>&, Arguments...> &&
           !std::is_base_of_v<AnyFunction, std::decay_t<Function>>)
      AnyFunction(Function&& any)  // NOLINT: as std::function
      : AnyFunction(plain_of(any), std::forward<Function>(any)) {}
  // A function that does the same as the plain function `same`, and owns what that one refers to.
  AnyFunction(Base any, Plain same) : Base(std::move(any)), plain_(same) {}

  // The plain function that this was made from; null if there is none.
  [[nodiscard]] Plain plain() const { return plain_; }

 private:
  template <class Function>
  AnyFunction(Plain same, Function&& any) : Base(std::forward<Function>(any)), plain_(same) {}

  template <class Function>
  [[nodiscard]] static Plain plain_of(const Function& any) {
    constexpr bool is_plain = !std::is_class_v<Function> || std::is_empty_v<Function>;
    if constexpr (is_plain && std::is_convertible_v<const Function&, Plain>) {
      return any;
    } else {
      return nullptr;
    }
  }

  Plain plain_ = nullptr;
};

}  // namespace peal
