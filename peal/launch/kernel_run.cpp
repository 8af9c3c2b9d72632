// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/kernel_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "peal/base/error.h"
#include "peal/base/file_text.h"
#include "peal/cases/case_calls.h"
#include "peal/cases/kernel_case.h"
#include "peal/chip/core/core.h"
#include "peal/executors/sim/executor.h"
#include "peal/executors/sim/rank_device.h"
#include "peal/launch/kernel_language.h"
#include "peal/launch/launch.h"
#include "peal/machine/description/described_arguments.h"
#include "peal/machine/description/kernel_values.h"
#include "peal/pto/load/fault_guard.h"
#include "peal/pto/load/kernel.h"
#include "peal/pto/load/loaded_object.h"
#include "peal/run/kernel_failure.h"

namespace peal {
namespace {

class KernelRun {
 public:
  KernelRun(const Kernel& kernel, const CaseRunRequest& request)
      : kernel_(kernel),
        values_of_kernel_(kernel),
        case_(kernel_case(kernel)),
        setup_(case_setup(case_.file, request.ranks)),
        calls_(case_.file, request.ranks, request.calls.value_or(setup_.calls)),
        values_(request.options.values),
        readers_(request.options.readers),
        allocations_(static_cast<std::size_t>(request.ranks)),
        outputs_(static_cast<std::size_t>(request.ranks)) {}

  [[nodiscard]] CaseRunResult run(const CaseRunRequest& request) {
    SimExecutor executor(request.target ? *request.target : simulated_target(request.platform));
    const FaultGuard guard(request.time_limit_seconds);
    CaseRunResult result;
    result.report = executor.run(
        request.ranks, [this](Team& team) { make_calls(team); }, request.options);
    result.calls = calls_.count();
    if (values_) calls_.compare(result);
    if (values_ && !readers_.empty()) {
      result.outputs = calls_.outputs([this](std::int64_t, int rank, std::size_t i) {
        const Allocations& own = allocations_[static_cast<std::size_t>(rank)];
        return reinterpret_cast<std::uint64_t>(own.buffers[buffer_of(i)].data);
      });
    }
    return result;
  }

 private:
  struct Allocations {
    std::vector<Window> buffers;
    std::vector<SignalRow> rows;
  };

  Allocations allocate(Device& device) {
    Allocations result;
    for (std::size_t i = 0; i < kernel_.buffers.size(); ++i) {
      const KernelBuffer& buffer = kernel_.buffers[i];
      if (const auto* window = std::get_if<KernelCase::WindowIndex>(&case_.buffers[i])) {
        result.buffers.push_back(device.allocate(buffer.name, setup_.window_bytes[window->value]));
        continue;
      }
      std::size_t bytes = 0;
      for (std::int64_t call = 0; call < calls_.count(); ++call) {
        bytes = std::max(bytes, calls_.max_elements(call, argument(i)) * size_bytes(buffer.dtype));
      }
      auto* const simulated = dynamic_cast<SimDevice*>(&device);
      PEAL_CHECK(simulated != nullptr);
      result.buffers.push_back(
          simulated->allocate_private(buffer.name, bytes, region_kind(buffer.kind)));
    }
    for (std::size_t i = 0; i < kernel_.signals.size(); ++i) {
      const auto count = static_cast<int>(setup_.window_bytes[case_.signals[i]]);
      result.rows.push_back(device.allocate_signals(kernel_.signals[i].name, count));
    }
    return result;
  }

  static RegionKind region_kind(KernelBuffer::Kind kind) {
    if (kind == KernelBuffer::Kind::input) return RegionKind::input;
    return kind == KernelBuffer::Kind::output ? RegionKind::output : RegionKind::inout;
  }

  // The case's index of the argument for a buffer other than a window.
  [[nodiscard]] std::size_t argument(std::size_t buffer) const {
    return std::get<KernelCase::ArgumentIndex>(case_.buffers[buffer]).value;
  }
  // The inverse: the kernel's index of the buffer for an argument of the case.
  [[nodiscard]] std::size_t buffer_of(std::size_t argument_number) const {
    std::size_t buffer = 0;
    while (is_window(buffer) || argument(buffer) != argument_number) ++buffer;
    return buffer;
  }
  [[nodiscard]] bool is_window(std::size_t buffer) const {
    return kernel_.buffers[buffer].kind == KernelBuffer::Kind::window;
  }

  void make_calls(Team& team) {
    Device& device = team.device();
    Allocations& own = allocations_[static_cast<std::size_t>(device.rank())];
    own = allocate(device);
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      RankCall& part = calls_.at(call, device.rank());
      std::vector<View> buffers;
      for (std::size_t i = 0; i < kernel_.buffers.size(); ++i) {
        const DType dtype = kernel_.buffers[i].dtype;
        const std::size_t count = is_window(i) ? own.buffers[i].size_bytes / size_bytes(dtype)
                                               : part.numbers.count(argument(i));
        buffers.push_back(own.buffers[i].view(0, count, dtype));
      }
      const DescribedArguments& arguments = arguments_.emplace_back(
          team, kernel_, call, scope(device, call), std::move(buffers), own.rows);
      current_core()->report_call(call);
      fill(device, part, arguments.buffers());
      calls_.report_contribution(readers_, call, device.rank());
      call_kernel(device, arguments);
      collect(device, call, arguments.buffers());
    }
  }

  [[nodiscard]] std::vector<std::int64_t> scope(const Device& device, std::int64_t call) const {
    return values_of_kernel_.evaluate(
        {.ranks = device.ranks(), .rank = device.rank(), .call = call});
  }

  void fill(Device& device, RankCall& part, const std::vector<View>& buffers) const {
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      if (is_window(i) || buffers[i].empty()) continue;
      // Poison is not reported as a write: to the checks, the output stays uninitialised.
      if (kernel_.buffers[i].kind != KernelBuffer::Kind::output) {
        static_cast<void>(device.write(buffers[i], outside_of_kernels));
      }
      part.arrays[argument(i)] = buffers[i];
      if (values_) part.numbers.fill(argument(i), buffers[i]);
    }
    part.keep_sent();
  }

  [[nodiscard]] KernelFailure failure(const KernelArguments& arguments,
                                      const std::string& what) const {
    const Core& core = *current_core();
    return {KernelFailure::Kind::other, core.rank(), core.index(),
            fmt::format("in call {} of `{}`: {}", arguments.call(), kernel_.name, what),
            FailurePlace::after(core.place())};
  }

  // Turns every exception that leaves the kernel into a mistake of the kernel.
  void call_kernel(Device& device, const KernelArguments& arguments) const {
    try {
      const KernelScope scope(*current_core());
      kernel_.run(device, arguments);
    } catch (const RunError&) {
      throw;
    } catch (const OutOfRange& error) {
      // An index has no source line; report that of the last verb, which comes before it.
      const Core& core = *current_core();
      throw KernelFailure(KernelFailure::Kind::out_of_bounds, core.rank(), core.index(),
                          error.what(), FailurePlace::after(core.place()));
    } catch (const std::exception& error) {
      throw failure(arguments, error.what());
    } catch (...) {
      throw failure(arguments, "it throws what is no std::exception");
    }
  }

  // Reads and copies the outputs, which the next call overwrites.
  void collect(Device& device, std::int64_t call, const std::vector<View>& buffers) {
    RankCall& part = calls_.at(call, device.rank());
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const KernelBuffer::Kind kind = kernel_.buffers[i].kind;
      const bool is_kept = kind == KernelBuffer::Kind::output || kind == KernelBuffer::Kind::inout;
      if (!is_kept || buffers[i].empty()) continue;
      if (part.numbers.receives(argument(i)))
        static_cast<void>(device.read(buffers[i], outside_of_kernels));
      const auto& expected = part.numbers.collective();
      if (expected && expected->recv == argument(i)) {
        calls_.report_expectation(readers_, call, device.rank());
      }
      const std::span<const std::byte> bytes(buffers[i].data, buffers[i].size_bytes());
      std::vector<std::byte>& kept = outputs_[static_cast<std::size_t>(device.rank())].emplace_back(
          bytes.begin(), bytes.end());
      part.arrays[argument(i)].data = kept.data();
    }
  }

  const Kernel& kernel_;
  KernelValues values_of_kernel_;
  KernelCase case_;
  CaseSetup setup_;
  CaseCalls calls_;
  bool values_;
  std::vector<EventReader*> readers_;
  // Owned here, not on the fibers' stacks: a kernel that crashes is never unwound.
  std::vector<Allocations> allocations_;                      // by rank
  std::deque<DescribedArguments> arguments_;                  // of all ranks and calls
  std::vector<std::vector<std::vector<std::byte>>> outputs_;  // by rank, in the order of calls
};

// A function of a loaded source, with the object that holds its code. Members are destroyed in
// reverse order: the function must go before its code is unloaded.
struct LoadedFunction {
  std::shared_ptr<LoadedObject> object;
  std::function<void(Device&, const KernelArguments&)> function;

  void operator()(Device& self, const KernelArguments& args) const { function(self, args); }
};

}  // namespace

Kernel load_kernel_file(const std::string& path) {
  const auto object = std::make_shared<LoadedObject>(path, KernelLanguage::peal, CompileOptions{});
  const auto define = reinterpret_cast<Kernel (*)()>(object->find(kernel_symbol));
  if (define == nullptr) {
    throw MissingEntry(
        fmt::format("kernel `{}` does not define peal_kernel; add a function "
                    "`peal::Kernel peal_kernel()` outside of every namespace",
                    path));
  }
  Kernel kernel;
  run_kernel_code(fmt::format("kernel `{}`: peal_kernel()", path), [&] { kernel = define(); });
  if (kernel.name.empty()) kernel.name = path;
  if (kernel.run) {
    const auto plain = kernel.run.plain();
    kernel.run = {LoadedFunction{object, std::move(kernel.run)}, plain};
  }
  return kernel;
}

std::optional<Kernel> load_if_peal_kernel(const std::string& path) {
  std::optional<Kernel> result;
  const auto as_pto = [&path] {
    const bool seems_pto = suggested_language(file_text(path)) == KernelLanguage::pto;
    try {
      const PtoKernel for_vector_cores(path, {});
    } catch (const MissingEntry&) {
      if (!seems_pto) throw;
      const PtoKernel for_cube_cores(path, {}, CoreType::aic);
    } catch (const QuotedError&) {
      if (!seems_pto) throw;  // else it may lack its case's include folders: its text decides
    }
  };
  load_in_its_language(
      path, [&] { result = load_kernel_file(path); }, as_pto);
  return result;
}

CaseRunResult run_kernel(const Kernel& kernel, const CaseRunRequest& request) {
  return KernelRun(kernel, request).run(request);
}

}  // namespace peal
