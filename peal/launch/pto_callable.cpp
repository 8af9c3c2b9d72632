// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/pto_callable.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "peal/base/error.h"
#include "peal/cases/case_call.h"
#include "peal/cases/case_file.h"
#include "peal/chip/chip_program.h"
#include "peal/executors/sim/executor.h"
#include "peal/launch/case_program.h"
#include "peal/launch/kernel_language.h"
#include "peal/launch/kernel_run.h"
#include "peal/launch/rank_tasks.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// One device's run of the kernels of a case.
class PtoTaskRun final : public ChipTask {
 public:
  PtoTaskRun(const CaseProgram& program, int cores, int blocks, const ChipStart& how)
      : program_(program),
        cores_(cores),
        context_(how.rank, how.ranks, how.windows, how.window_bytes),
        tasks_(submitted(how), {.blocks = blocks,
                                .context = context_.address(),
                                .first_task = how.first_task,
                                .name = how.name,
                                .after = how.after}) {}

  void work(Core& core, int index) override {
    tasks_.work(core, program_.core_type(index / cores_), program_.kernels());
  }
  [[nodiscard]] std::size_t count() const override { return tasks_.count(); }

 private:
  [[nodiscard]] std::vector<PtoTask> submitted(const ChipStart& how) const {
    std::vector<ChipTensor> tensors;
    std::vector<std::uint64_t> scalars;
    for (const TaskArgument& argument : how.arguments) {
      switch (argument.kind) {
        case TaskArgument::Kind::array:
          tensors.push_back(tensor_of(argument.view));
          break;
        case TaskArgument::Kind::scalar:
          scalars.push_back(argument.scalar);
          break;
        case TaskArgument::Kind::context:
          scalars.push_back(static_cast<std::uint64_t>(context_.address()));
          break;
      }
    }
    return program_.tasks(tensors, scalars);
  }

  const CaseProgram& program_;
  int cores_;  // of each type
  KernelContext context_;
  RankTasks tasks_;
};

class PtoProgram final : public ChipProgram {
 public:
  explicit PtoProgram(CaseFile file) : file_(std::move(file)), program_(file_) {}

  [[nodiscard]] int cores(int ranks) const override {
    return setup(ranks).cores * program_.core_types();
  }
  [[nodiscard]] std::unique_ptr<ChipTask> start(const ChipStart& how) const override {
    const CaseSetup& made = setup(how.ranks);
    return std::make_unique<PtoTaskRun>(program_, made.cores, made.blocks, how);
  }
  void check(const std::string& name, const CallableCall& call) const;

 private:
  void check_array(const std::string& subject, const CaseArgument& expected,
                   const TaskArgument& given) const;

  [[nodiscard]] const CaseSetup& setup(int ranks) const {
    const auto known = setups_.find(ranks);
    if (known != setups_.end()) return known->second;
    return setups_.emplace(ranks, case_setup(file_, ranks)).first->second;
  }

  CaseFile file_;
  CaseProgram program_;
  mutable std::map<int, CaseSetup> setups_;  // by number of ranks; filled on demand
};

void PtoProgram::check(const std::string& name, const CallableCall& call) const {
  check_ranks(file_, call.ranks);
  static_cast<void>(setup(call.ranks));
  if (file_.path.empty()) {  // a bare source declares no arguments
    if (call.arguments.size() <= RankTasks::max_arguments) return;
    throw UsageError(
        fmt::format("kernel `{}`: {} arguments are given, and a kernel takes {} at most; "
                    "give fewer",
                    name, call.arguments.size(), RankTasks::max_arguments));
  }
  const std::vector<CaseArgument>& expected = file_.arguments;
  if (call.arguments.size() != expected.size()) {
    throw UsageError(
        fmt::format("kernel `{}`: {} arguments are given, and its case `{}` has {}; give as "
                    "many, in their order",
                    name, call.arguments.size(), file_.path, expected.size()));
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const TaskArgument& given = call.arguments[i];
    const std::string subject = fmt::format("kernel `{}`: argument {} is {} of its case", name, i,
                                            peal::name(expected[i].kind));
    const TaskArgument::Kind kind = is_tensor(expected[i].kind) ? TaskArgument::Kind::array
                                    : expected[i].kind == ArgumentKind::scalar
                                        ? TaskArgument::Kind::scalar
                                        : TaskArgument::Kind::context;
    if (given.kind != kind) {
      throw UsageError(fmt::format("{}, and {} is given; give arguments in the case's order",
                                   subject,
                                   given.kind == TaskArgument::Kind::array    ? "an array"
                                   : given.kind == TaskArgument::Kind::scalar ? "a scalar"
                                                                              : "a context"));
    }
    if (kind == TaskArgument::Kind::array) check_array(subject, expected[i], given);
  }
}

void PtoProgram::check_array(const std::string& subject, const CaseArgument& expected,
                             const TaskArgument& given) const {
  const bool is_window = expected.kind == ArgumentKind::window;
  const DType dtype = is_window ? file_.windows[expected.window].dtype : expected.dtype;
  if (given.view.dtype != dtype) {
    throw UsageError(fmt::format("{}, of {}, and {} is given; give its type", subject, name(dtype),
                                 name(given.view.dtype)));
  }
  if (is_window && !given.in_window) {
    throw UsageError(
        fmt::format("{}, which peers address, and what is given is in no window of the "
                    "task's domain; give a buffer of the domain",
                    subject));
  }
  const TaskDirection direction = given.direction;
  const bool fits = direction == TaskDirection::no_dep ||
                    (expected.kind == ArgumentKind::in && direction == TaskDirection::input) ||
                    (expected.kind == ArgumentKind::out && direction == TaskDirection::output) ||
                    (expected.kind != ArgumentKind::in && direction == TaskDirection::inout) ||
                    (expected.kind == ArgumentKind::temp && direction == TaskDirection::output);
  if (fits) return;
  throw UsageError(fmt::format("{}, and `{}` is given; say what the kernel does with it", subject,
                               name(direction)));
}

CaseFile case_of(const std::string& path, const PtoOptions& options) {
  std::error_code failed;
  if (fs::is_directory(path, failed))
    return read_case_file((fs::path(path) / "case.toml").string());
  if (fs::path(path).extension() == ".toml") return read_case_file(path);
  if (!fs::is_regular_file(path, failed)) {
    throw UsageError(
        fmt::format("kernel `{}` is not there; name a folder with a case.toml, a case file, "
                    "or a source",
                    path));
  }
  CaseFile file;
  file.subject = fmt::format("kernel `{}`", path);
  file.max_ranks = SimExecutor::max_ranks;
  file.include = options.include;
  file.kernels = {{.id = 0, .file = path, .core = options.core}};
  return file;
}

// The name of the folder or file, without its ending; for a case.toml, that of its folder.
std::string name_of(const std::string& path) {
  const fs::path whole = fs::path(path).lexically_normal();
  const fs::path last = whole.has_filename() ? whole : whole.parent_path();
  return (last.filename() == "case.toml" ? last.parent_path() : last).stem().string();
}

}  // namespace

Callable pto_kernel(const std::string& path, const PtoOptions& options) {
  const auto program = std::make_shared<const PtoProgram>(case_of(path, options));
  const std::string name = name_of(path);
  return {.name = name, .program = program, .check = [program, name](const CallableCall& call) {
            program->check(name, call);
          }};
}

Callable kernel_file(const std::string& path, const PtoOptions& options) {
  std::error_code failed;
  const bool is_source = fs::is_regular_file(path, failed) && fs::path(path).extension() != ".toml";
  if (!is_source) return pto_kernel(path, options);
  Callable result;
  load_in_its_language(
      path, [&] { result = kernel(load_kernel_file(path)); },
      [&] { result = pto_kernel(path, options); });
  return result;
}

}  // namespace peal
