// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/base/expression.h"
#include "peal/base/packed_text.h"
#include "peal/machine/description/described_arguments.h"
#include "peal/machine/description/kernel_values.h"
#include "peal/runtime/callable.h"

namespace peal {
namespace {

// Parses the count of a buffer or a row of signals: an expression over P, rank, call and the
// kernel's values. Returns nothing if the description leaves the count open.
std::optional<Expression> parse_count(const Kernel& kernel, const KernelValues& values,
                                      const std::string& name, const std::string& text) {
  if (text.empty()) return std::nullopt;
  try {
    return Expression::parse(text, values.names());
  } catch (const Error& error) {
    throw UsageError(fmt::format("kernel `{}`: the count of `{}` makes no sense: {}", kernel.name,
                                 name, error.what()));
  }
}

class KernelProgram final : public DeviceProgram {
 public:
  explicit KernelProgram(const Kernel& kernel) : kernel_(kernel), values_(kernel_) {
    if (!kernel_.run) {
      throw UsageError(fmt::format("kernel `{}` has no function; set `run`", kernel_.name));
    }
    for (const KernelBuffer& buffer : kernel_.buffers) {
      counts_.push_back(parse_count(kernel_, values_, buffer.name, buffer.count));
    }
    for (const KernelSignals& row : kernel_.signals) {
      std::optional<Expression> count = parse_count(kernel_, values_, row.name, row.count);
      if (!count) {
        throw UsageError(fmt::format("kernel `{}`: the row of signals `{}` has no count; give one",
                                     kernel_.name, row.name));
      }
      row_counts_.push_back(*std::move(count));
    }
  }

  void run(Team& team, std::span<const TaskArgument> arguments) const override;
  [[nodiscard]] ProgramDescriptor descriptor() const override;
  void check(const CallableCall& call) const;

 private:
  // What the kernel keeps with a domain from call to call.
  struct Kept {
    std::vector<SignalRow> rows;
    std::int64_t calls = 0;
  };
  // What all kernels keep with it.
  struct State final : Team::State {
    std::map<const KernelProgram*, Kept> kernels;
  };
  [[nodiscard]] Kept& kept_with(Team& team) const;

  static std::unique_ptr<const DeviceProgram> make(const ProgramDescriptor& descriptor);
  [[nodiscard]] std::int64_t evaluate(const Expression& count,
                                      const KernelValues::Point& point) const {
    return count.evaluate(values_.evaluate(point));
  }
  void check_buffer(std::size_t index, const TaskArgument& argument,
                    const CallableCall& call) const;

  Kernel kernel_;
  KernelValues values_;
  std::vector<std::optional<Expression>> counts_;
  std::vector<Expression> row_counts_;
};

KernelProgram::Kept& KernelProgram::kept_with(Team& team) const {
  std::unique_ptr<Team::State>& state = team.state(Team::StateOwner::kernels);
  if (state == nullptr) state = std::make_unique<State>();
  std::map<const KernelProgram*, Kept>& kernels = static_cast<State&>(*state).kernels;
  const auto known = kernels.find(this);
  if (known != kernels.end()) return known->second;
  Kept made;
  for (std::size_t i = 0; i < row_counts_.size(); ++i) {
    const std::int64_t count =
        evaluate(row_counts_[i], {.ranks = team.size(), .rank = team.rank()});
    made.rows.push_back(
        team.device().allocate_signals(kernel_.signals[i].name, static_cast<int>(count)));
  }
  return kernels.emplace(this, std::move(made)).first->second;
}

void KernelProgram::run(Team& team, std::span<const TaskArgument> arguments) const {
  Kept& kept = kept_with(team);
  std::vector<View> buffers;
  for (const TaskArgument& argument : arguments) {
    if (argument.kind == TaskArgument::Kind::array) buffers.push_back(argument.view);
  }
  const std::int64_t number = kept.calls++;
  const DescribedArguments described(
      team, kernel_, number,
      values_.evaluate({.ranks = team.size(), .rank = team.rank(), .call = number}),
      std::move(buffers), kept.rows);
  kernel_.run(team.device(), described);
}

using KernelFunction = decltype(Kernel::run)::Plain;

// Packs the parts of the description that run() needs; make() is the inverse.
ProgramDescriptor KernelProgram::descriptor() const {
  const KernelFunction plain = kernel_.run.plain();
  if (plain == nullptr) {
    throw UsageError(
        "its `run` has data of its own, such as a lambda's captures, which other processes do not "
        "have; give a plain function, or a lambda without captures");
  }
  PackedText packed;
  packed.add(kernel_.name).add(kernel_.buffers.size());
  for (const KernelBuffer& buffer : kernel_.buffers) packed.add(buffer.name);
  packed.add(kernel_.signals.size());
  for (const KernelSignals& row : kernel_.signals) packed.add(row.name).add(row.count);
  packed.add(kernel_.values.size());
  for (const KernelValue& value : kernel_.values) packed.add(value.name).add(value.value);
  return {.make = make,
          .text = packed.text(),
          .function = reinterpret_cast<ProgramDescriptor::Function>(plain)};
}

std::unique_ptr<const DeviceProgram> KernelProgram::make(const ProgramDescriptor& descriptor) {
  UnpackedText unpacked(descriptor.text);
  Kernel kernel{.name = unpacked.text(),
                .run = reinterpret_cast<KernelFunction>(descriptor.function)};
  for (std::size_t left = unpacked.count(); left > 0; --left) {
    kernel.buffers.push_back({.name = unpacked.text(), .count = ""});
  }
  for (std::size_t left = unpacked.count(); left > 0; --left) {
    std::string name = unpacked.text();
    kernel.signals.push_back({.name = std::move(name), .count = unpacked.text()});
  }
  for (std::size_t left = unpacked.count(); left > 0; --left) {
    std::string name = unpacked.text();
    kernel.values.push_back({.name = std::move(name), .value = unpacked.text()});
  }
  return std::make_unique<const KernelProgram>(kernel);
}

void KernelProgram::check(const CallableCall& call) const {
  std::vector<const TaskArgument*> arrays;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const TaskArgument& argument = call.arguments[i];
    if (argument.kind == TaskArgument::Kind::scalar) {
      throw UsageError(fmt::format(
          "kernel `{}`: argument {} is a scalar; it takes buffers and a context", kernel_.name, i));
    }
    if (argument.kind == TaskArgument::Kind::array) arrays.push_back(&argument);
  }
  if (arrays.size() != kernel_.buffers.size()) {
    throw UsageError(
        fmt::format("kernel `{}`: {} arrays are given, and it takes {}; give one for each "
                    "of its buffers, in their order",
                    kernel_.name, arrays.size(), kernel_.buffers.size()));
  }
  if (!call.has_context && !kernel_.signals.empty()) {
    throw UsageError(
        fmt::format("kernel `{}`: there is no context; add .context(domain[rank])", kernel_.name));
  }
  if (call.ranks < kernel_.min_ranks || call.ranks > kernel_.max_ranks) {
    throw UsageError(
        fmt::format("kernel `{}`: the domain has {} ranks, and it takes {} to {}; use a "
                    "domain of as many devices",
                    kernel_.name, call.ranks, kernel_.min_ranks, kernel_.max_ranks));
  }
  for (std::size_t i = 0; i < arrays.size(); ++i) check_buffer(i, *arrays[i], call);
  for (std::size_t i = 0; i < row_counts_.size(); ++i) {
    const std::int64_t count = evaluate(row_counts_[i], {.ranks = call.ranks, .rank = call.rank});
    if (count >= 0 && count <= INT32_MAX) continue;
    throw UsageError(fmt::format("kernel `{}`: {} signals in row `{}`; give 0 to {}", kernel_.name,
                                 count, kernel_.signals[i].name, INT32_MAX));
  }
}

void KernelProgram::check_buffer(std::size_t index, const TaskArgument& argument,
                                 const CallableCall& call) const {
  const KernelBuffer& buffer = kernel_.buffers[index];
  const auto refuse = [&](const std::string& what, const std::string& way_out) {
    throw UsageError(fmt::format("kernel `{}`: array {} is its buffer `{}`, {}; {}", kernel_.name,
                                 index, buffer.name, what, way_out));
  };
  if (argument.view.dtype != buffer.dtype) {
    refuse(fmt::format("of {}, and {} is given", name(buffer.dtype), name(argument.view.dtype)),
           "give its type");
  }
  static constexpr TaskDirection directions[] = {TaskDirection::input, TaskDirection::output,
                                                 TaskDirection::inout, TaskDirection::inout};
  const TaskDirection expected = directions[static_cast<std::size_t>(buffer.kind)];
  if (argument.direction != expected && argument.direction != TaskDirection::no_dep) {
    refuse(
        fmt::format("which is `{}`, and `{}` is given", name(expected), name(argument.direction)),
        "say what the kernel does with it");
  }
  if (buffer.kind == KernelBuffer::Kind::window && !argument.in_window) {
    refuse("which peers write or read, and what is given is in no window of the task's domain",
           "give a buffer of the domain");
  }
  const std::optional<Expression>& count = counts_[index];
  if (!count) return;
  const std::int64_t elements = evaluate(
      *count,
      {.ranks = call.ranks, .rank = call.rank, .call = static_cast<std::int64_t>(call.call)});
  if (elements == static_cast<std::int64_t>(argument.view.count)) return;
  refuse(fmt::format("of {} elements, and {} are given", elements, argument.view.count),
         "give as many");
}

}  // namespace

Callable kernel(const Kernel& kernel) {
  const auto program = std::make_shared<const KernelProgram>(kernel);
  return {.name = kernel.name, .program = program, .check = [program](const CallableCall& call) {
            program->check(call);
          }};
}

}  // namespace peal
