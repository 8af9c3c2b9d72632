// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "peal/base/api.h"
#include "peal/run/task.h"
#include "peal/runtime/buffer.h"
#include "peal/runtime/domain.h"

namespace PEAL_API peal {

// A handle of a submitted task.
class Task {
 public:
  Task() = default;
  Task(std::uint64_t run, std::size_t number) : run_(run), number_(number) {}
  // The task's number in the order of submission, from 0.
  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] std::uint64_t run() const { return run_; }  // BuiltRun::id

 private:
  std::uint64_t run_ = 0;
  std::size_t number_ = 0;
};

// An array argument: a buffer, or host memory (any contiguous range of a known element type, such
// as std::vector<float>), which must live until the run has ended. A device works on a copy of host
// memory, which is made before the task starts and written back after it has ended.
class Array {
 public:
  Array(const Buffer& buffer)  // NOLINT: arguments convert at the call
      : memory_(buffer.shared()), view_(buffer.view()) {}
  Array(const View& view) : view_(view) {}  // NOLINT: as above; memory of the host
  template <std::ranges::contiguous_range Range>
  requires std::is_lvalue_reference_v<Range> || std::ranges::borrowed_range<Range> Array(
      Range&& range) {  // NOLINT: as above
    using T = std::ranges::range_value_t<Range>;
    using Element = std::remove_reference_t<std::ranges::range_reference_t<Range>>;
    is_const_ = std::is_const_v<Element>;
    view_ =
        View::of(std::span<T>(const_cast<T*>(std::ranges::data(range)), std::ranges::size(range)));
  }

  [[nodiscard]] const View& view() const { return view_; }
  [[nodiscard]] bool is_const() const { return is_const_; }
  [[nodiscard]] const std::shared_ptr<BufferMemory>& memory() const { return memory_; }  // or null

 private:
  std::shared_ptr<BufferMemory> memory_;
  View view_;
  bool is_const_ = false;
};

// The arguments of a task on one device, in the order in which its callable takes them, and the
// task's name and explicit dependencies. The arrays also imply dependencies: a task that reads
// bytes waits for their earlier writers, and a task that writes them for earlier writers and
// readers.
class Args {
 public:
  struct Entry {
    TaskArgument::Kind kind{};
    TaskDirection direction = TaskDirection::input;
    std::optional<Array> array = {};
    ScalarKind scalar_kind{};
    std::uint64_t scalar = 0;
  };

  // The task reads the array.
  Args& in(const Array& array) { return add(array, TaskDirection::input); }
  // The task writes the array, wholly or in part; elements that it does not write keep their
  // values.
  Args& out(const Array& array) { return add(array, TaskDirection::output); }
  // The task reads and writes the array.
  Args& inout(const Array& array) { return add(array, TaskDirection::inout); }
  // The task may read and write the array, without any dependency on other tasks.
  Args& no_dep(const Array& array) { return add(array, TaskDirection::no_dep); }
  // One of the above, by its direction.
  Args& add(const Array& array, TaskDirection direction) {
    entries_.push_back({.kind = TaskArgument::Kind::array, .direction = direction, .array = array});
    return *this;
  }
  // A scalar argument of at most eight bytes.
  template <TaskScalar T>
  Args& scalar(T value) {
    Entry entry{.kind = TaskArgument::Kind::scalar, .scalar_kind = scalar_kind<T>};
    if constexpr (std::is_floating_point_v<T>) {
      std::memcpy(&entry.scalar, &value, sizeof(value));
    } else {
      entry.scalar = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
    }
    entries_.push_back(std::move(entry));
    return *this;
  }
  // The device's membership in a domain, whose rank and windows the task uses. A task may have
  // several context arguments, but all must be the same membership.
  Args& context(const DomainMember& member) {
    entries_.push_back({.kind = TaskArgument::Kind::context});
    const bool is_same =
        context_ && context_->domain() == member.domain() && context_->rank() == member.rank();
    if (!is_same) ++contexts_;
    context_ = member;
    return *this;
  }
  // Not an argument: the task also waits for this earlier task of the same run.
  Args& after(Task task) {
    after_.push_back(task);
    return *this;
  }
  // Not an argument: the task's name in reports; by default the callable's.
  Args& named(std::string name) {
    name_ = std::move(name);
    return *this;
  }

  // For the runtime.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] const std::optional<DomainMember>& context() const { return context_; }
  [[nodiscard]] int contexts() const { return contexts_; }  // 0, 1, or more if contexts differ
  [[nodiscard]] const std::vector<Task>& after() const { return after_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::vector<Entry> entries_;
  std::optional<DomainMember> context_;
  int contexts_ = 0;
  std::vector<Task> after_;
  std::string name_;
};

// Throws Error, which begins with `what`, unless the arrays have equal lengths and types.
void check_copy(const char* what, const Array& to, const Array& from);
// Copies all elements; the views have equal lengths and types, and may overlap.
void copy_elements(const View& to, const View& from);

}  // namespace peal
