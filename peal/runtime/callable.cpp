// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/callable.h"

#include <fmt/format.h>

#include "peal/base/error.h"
#include "peal/base/packed_text.h"
#include "peal/collectives/call_arguments.h"
#include "peal/collectives/registry.h"

namespace peal {
namespace {

const char* name_of(TaskArgument::Kind kind) {
  constexpr const char* names[] = {"an array", "a scalar", "a context"};
  return names[static_cast<std::size_t>(kind)];
}

class FunctionProgram final : public DeviceProgram {
 public:
  explicit FunctionProgram(DeviceFunction function) : function_(std::move(function)) {}
  void run(Team& team, std::span<const TaskArgument> arguments) const override {
    function_(team.device(), TaskArguments(arguments));
  }
  [[nodiscard]] ProgramDescriptor descriptor() const override {
    const DeviceFunction::Plain plain = function_.plain();
    if (plain == nullptr) {
      throw UsageError(
          "its function has data of its own, such as a lambda's captures, which other processes do "
          "not have; give a plain function, or a lambda without captures, and the data as "
          "arguments of the task");
    }
    return {
        .make = [](const ProgramDescriptor& descriptor) -> std::unique_ptr<const DeviceProgram> {
          return std::make_unique<const FunctionProgram>(
              reinterpret_cast<DeviceFunction::Plain>(descriptor.function));
        },
        .function = reinterpret_cast<ProgramDescriptor::Function>(plain)};
  }

 private:
  DeviceFunction function_;
};

class CollectiveProgram final : public DeviceProgram {
 public:
  CollectiveProgram(Collective collective, CollectiveOptions options)
      : collective_(collective), options_(std::move(options)) {}

  void run(Team& team, std::span<const TaskArgument> arguments) const override {
    run_collective(team, call(arguments));
  }
  [[nodiscard]] ProgramDescriptor descriptor() const override {
    PackedText packed;
    packed.add(name(collective_)).add(name(options_.op)).add(options_.algorithm);
    packed.add(static_cast<std::size_t>(options_.root));
    return {.make = make, .text = packed.text()};
  }

  [[nodiscard]] CollectiveCall call(std::span<const TaskArgument> arguments) const {
    CollectiveCall result{.collective = collective_,
                          .op = options_.op,
                          .root = options_.root,
                          .algorithm = options_.algorithm};
    for (const TaskArgument& argument : arguments) {
      if (argument.kind != TaskArgument::Kind::array) continue;
      if (argument.direction != TaskDirection::output) result.send = argument.view;
      if (argument.direction != TaskDirection::input) result.recv = argument.view;
    }
    return result;
  }

  void check(const CallableCall& call) const;

 private:
  static std::unique_ptr<const DeviceProgram> make(const ProgramDescriptor& descriptor) {
    UnpackedText unpacked(descriptor.text);
    const Collective collective = parse_collective(unpacked.text());
    CollectiveOptions options{.op = parse_reduce_op(unpacked.text()), .algorithm = unpacked.text()};
    options.root = static_cast<int>(unpacked.count());
    return std::make_unique<const CollectiveProgram>(collective, std::move(options));
  }

  struct Block {
    std::size_t count = 0;
    DType dtype{};
  };
  [[nodiscard]] Block block(const CallableCall& given) const;

  Collective collective_;
  CollectiveOptions options_;
};

// Accepts at most one array to send and one to receive, and requires those that this rank uses.
// Blocks must have the same count and type on all ranks of the group.
void CollectiveProgram::check(const CallableCall& given) const {
  const char* const what = name(collective_);
  int sent = 0, received = 0;
  for (std::size_t i = 0; i < given.arguments.size(); ++i) {
    const TaskArgument& argument = given.arguments[i];
    if (argument.kind == TaskArgument::Kind::scalar) {
      throw UsageError(
          fmt::format("{}: argument {} is a scalar; give arrays and a context", what, i));
    }
    if (argument.kind == TaskArgument::Kind::context) continue;
    if (argument.direction == TaskDirection::no_dep) {
      throw UsageError(
          fmt::format("{}: argument {} is no_dep, which does not say whether it is sent or "
                      "received; give `in`, `out` or `inout`",
                      what, i));
    }
    if (argument.direction != TaskDirection::output) ++sent;
    if (argument.direction != TaskDirection::input) ++received;
  }
  if (!given.has_context) {
    throw UsageError(fmt::format("{}: there is no context; add .context(domain[rank])", what));
  }
  const CollectiveShape blocks = shape(collective_, given.ranks);
  const bool sends_one = blocks.send_blocks > 0 && sends(collective_, given.rank, options_.root);
  const bool takes_one = blocks.recv_blocks > 0 && receives(collective_, given.rank, options_.root);
  if (sent > 1 || received > 1 || sent < (sends_one ? 1 : 0) || received < (takes_one ? 1 : 0)) {
    throw UsageError(fmt::format(
        "{} on rank {}: {} arrays to send and {} to receive are given; it "
        "takes {} and {}, or one inout for both",
        what, given.rank, sent, received, sends_one ? "one" : "none", takes_one ? "one" : "none"));
  }
  const Block own = block(given);
  if (given.first == nullptr || collective_ == Collective::barrier) return;
  const Block first = block(*given.first);
  if (own.count == first.count && own.dtype == first.dtype) return;
  throw UsageError(fmt::format(
      "{} on rank {}: blocks of {} elements of {} are given, and rank {} has {} of {}; give every "
      "rank the same",
      what, given.rank, own.count, name(own.dtype), given.first->rank, first.count,
      name(first.dtype)));
}

CollectiveProgram::Block CollectiveProgram::block(const CallableCall& given) const {
  const CollectiveCall made = call(given.arguments);
  const CallArguments used =
      CallArguments{.traits = CallTraits(made.collective, made.op, made.root),
                    .send = &made.send,
                    .recv = &made.recv}
          .used_by(given.rank);
  return {check_arguments(used, given.rank, given.ranks),
          used.does_receive(given.rank) ? used.recv->dtype : used.send->dtype};
}

}  // namespace

const TaskArgument& TaskArguments::at(std::size_t index, TaskArgument::Kind kind) const {
  if (index >= arguments_.size()) {
    throw OutOfRange(
        fmt::format("argument {} is asked for, and the task has {}; give it one more "
                    "when it is submitted",
                    index, arguments_.size()));
  }
  if (arguments_[index].kind != kind) {
    throw UsageError(fmt::format("argument {} is {} and not {}; ask for what it was submitted as",
                                 index, name_of(arguments_[index].kind), name_of(kind)));
  }
  return arguments_[index];
}

void TaskArguments::refuse_scalar(std::size_t index, ScalarKind asked) const {
  constexpr const char* names[] = {"an integer", "a float", "a double"};
  const auto name_of = [&](ScalarKind kind) { return names[static_cast<std::size_t>(kind)]; };
  throw UsageError(fmt::format("argument {} is {} and not {}; ask for what it was submitted as",
                               index, name_of(arguments_[index].scalar_kind), name_of(asked)));
}

void TaskArguments::refuse_type(std::size_t index, DType dtype) const {
  throw UsageError(fmt::format("argument {} holds elements of {} and not {}; ask for its own type",
                               index, name(arguments_[index].view.dtype), name(dtype)));
}

Callable collective(const std::string& name, const CollectiveOptions& options) {
  const Collective which = parse_collective(name);
  if (options.algorithm != "auto") {
    static_cast<void>(find_algorithm(which, options.algorithm));
  }
  const auto program = std::make_shared<const CollectiveProgram>(which, options);
  return {.name = name, .program = program, .check = [program](const CallableCall& call) {
            program->check(call);
          }};
}

Callable device_function(const std::string& name, DeviceFunction function) {
  if (name.empty())
    throw UsageError("callable: the name is empty; give one, which reports can use");
  if (!function) {
    throw UsageError(fmt::format("callable `{}`: the function is empty; give one", name));
  }
  return {.name = name, .program = std::make_shared<const FunctionProgram>(std::move(function))};
}

}  // namespace peal
