// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/real_kernel_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include "peal/base/alignment.h"
#include "peal/base/error.h"
#include "peal/cases/case_calls.h"
#include "peal/cases/kernel_case.h"
#include "peal/launch/launch.h"
#include "peal/launch/timed_call.h"
#include "peal/machine/description/described_arguments.h"
#include "peal/machine/description/kernel_values.h"

namespace peal {
namespace {

class RealRun {
 public:
  RealRun(const Kernel& kernel, const CaseRunRequest& request, RealCalls how)
      : kernel_(kernel),
        how_(how),
        values_of_kernel_(kernel),
        case_(kernel_case(kernel)),
        setup_(case_setup(case_.file, request.ranks)),
        calls_(case_.file, request.ranks, request.calls.value_or(setup_.calls)),
        values_(request.options.values),
        executor_(open_executor("shm")) {}

  [[nodiscard]] RealKernelRun run(const CaseRunRequest& request) {
    lay_out();
    RealKernelRun run;
    run.result.report = executor_->run(
        calls_.ranks(), [this](Team& team) { make_calls(team); }, request.options);
    run.result.calls = calls_.count();
    if (values_) {
      take_kept();
      calls_.compare(run.result);
    }
    if (how_ == RealCalls::timed) run.call_ns = slowest();
    return run;
  }

 private:
  struct Allocations {
    std::vector<View> buffers;  // with the largest count of any call
    std::vector<SignalRow> rows;
    std::vector<std::unique_ptr<std::byte[]>> kept;  // owns the buffers that are not windows
    SignalRow rounds;                                // of the barrier before each timed call
  };

  [[nodiscard]] bool is_window(std::size_t buffer) const {
    return kernel_.buffers[buffer].kind == KernelBuffer::Kind::window;
  }
  // The case's index of the argument for a buffer other than a window.
  [[nodiscard]] std::size_t argument(std::size_t buffer) const {
    return std::get<KernelCase::ArgumentIndex>(case_.buffers[buffer]).value;
  }
  [[nodiscard]] std::size_t part(std::int64_t call, int rank) const {
    return static_cast<std::size_t>(call) * static_cast<std::size_t>(calls_.ranks()) +
           static_cast<std::size_t>(rank);
  }
  [[nodiscard]] std::size_t bytes_of(std::size_t buffer, RankCall& of) const {
    return of.numbers.count(argument(buffer)) * size_bytes(kernel_.buffers[buffer].dtype);
  }

  // Lays out the memory through which the ranks' processes return results to this one. For each
  // call of each rank: the bytes of every buffer other than a window, before and after the call.
  // Behind them: the time of each call of each rank.
  void lay_out() {
    std::size_t bytes = 0;
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      for (int rank = 0; rank < calls_.ranks(); ++rank) {
        places_.push_back(bytes);
        for (std::size_t i = 0; i < kernel_.buffers.size() && values_; ++i) {
          if (!is_window(i)) bytes += 2 * aligned(bytes_of(i, calls_.at(call, rank)));
        }
      }
    }
    times_ = bytes;
    shared_ = executor_->share(bytes + places_.size() * sizeof(std::int64_t));
  }
  static std::size_t aligned(std::size_t bytes) { return in_cache_lines(bytes); }
  [[nodiscard]] std::int64_t& time_of(std::int64_t call, int rank) {
    return reinterpret_cast<std::int64_t*>(shared_.data() + times_)[part(call, rank)];
  }

  // Calls `keep` with each buffer other than a window and with its places in `shared_`: for the
  // bytes before the call and after it.
  template <class Keep>
  void each_kept(std::int64_t call, int rank, Keep keep) {
    std::byte* place = shared_.data() + places_[part(call, rank)];
    for (std::size_t i = 0; i < kernel_.buffers.size(); ++i) {
      if (is_window(i)) continue;
      const std::size_t bytes = aligned(bytes_of(i, calls_.at(call, rank)));
      keep(i, place, place + bytes);
      place += 2 * bytes;
    }
  }

  [[nodiscard]] Allocations allocate(Device& device) {
    Allocations own;
    for (std::size_t i = 0; i < kernel_.buffers.size(); ++i) {
      const KernelBuffer& buffer = kernel_.buffers[i];
      if (const auto* window = std::get_if<KernelCase::WindowIndex>(&case_.buffers[i])) {
        const std::size_t bytes = setup_.window_bytes[window->value];
        own.buffers.push_back(device.allocate(buffer.name, bytes)
                                  .view(0, bytes / size_bytes(buffer.dtype), buffer.dtype));
        continue;
      }
      std::size_t most = 0;
      for (std::int64_t call = 0; call < calls_.count(); ++call) {
        most = std::max(most, bytes_of(i, calls_.at(call, device.rank())));
      }
      own.kept.push_back(std::make_unique<std::byte[]>(most));
      own.buffers.push_back({own.kept.back().get(), most / size_bytes(buffer.dtype), buffer.dtype});
    }
    for (std::size_t i = 0; i < kernel_.signals.size(); ++i) {
      const auto count = static_cast<int>(setup_.window_bytes[case_.signals[i]]);
      own.rows.push_back(device.allocate_signals(kernel_.signals[i].name, count));
    }
    if (how_ == RealCalls::timed) {
      own.rounds = device.allocate_signals("bench barrier", barrier_rounds(device.ranks()));
    }
    return own;
  }

  // Runs in the process of a rank.
  void make_calls(Team& team) {
    Device& device = team.device();
    Allocations own = allocate(device);
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      RankCall& of = calls_.at(call, device.rank());
      std::vector<View> buffers = own.buffers;
      for (std::size_t i = 0; i < buffers.size(); ++i) {
        if (is_window(i)) continue;
        buffers[i].count = of.numbers.count(argument(i));
        if (values_ && !buffers[i].empty()) of.numbers.fill(argument(i), buffers[i]);
      }
      if (values_) {
        each_kept(call, device.rank(), [&](std::size_t i, std::byte* before, std::byte*) {
          std::copy_n(buffers[i].data, buffers[i].size_bytes(), before);
        });
      }
      const DescribedArguments arguments(
          team, kernel_, call,
          values_of_kernel_.evaluate(
              {.ranks = device.ranks(), .rank = device.rank(), .call = call}),
          buffers, own.rows);
      const auto call_it = [&] { call_kernel(device, arguments); };
      if (how_ == RealCalls::timed) {
        time_of(call, device.rank()) = timed_call_ns(device, own.rounds, call_it);
      } else {
        call_it();
      }
      if (!values_) continue;
      each_kept(call, device.rank(), [&](std::size_t i, std::byte*, std::byte* after) {
        std::copy_n(buffers[i].data, buffers[i].size_bytes(), after);
      });
    }
  }

  // Turns every exception that leaves the kernel into a mistake of the kernel.
  void call_kernel(Device& device, const KernelArguments& arguments) const {
    const auto failure = [&](const char* what) {
      return RunError(fmt::format("in call {} of `{}`: {}", arguments.call(), kernel_.name, what));
    };
    try {
      kernel_.run(device, arguments);
    } catch (const RunError&) {
      throw;
    } catch (const std::exception& error) {
      throw failure(error.what());
    } catch (...) {
      throw failure("it throws what is no std::exception");
    }
  }

  // Points the calls' arrays at the bytes that the ranks have left in `shared_`, for the
  // comparison.
  void take_kept() {
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      for (int rank = 0; rank < calls_.ranks(); ++rank) {
        RankCall& of = calls_.at(call, rank);
        const auto view = [&](std::size_t i, std::byte* data) {
          of.arrays[argument(i)] = {data, of.numbers.count(argument(i)), kernel_.buffers[i].dtype};
        };
        each_kept(call, rank,
                  [&](std::size_t i, std::byte* before, std::byte*) { view(i, before); });
        of.keep_sent();
        each_kept(call, rank, [&](std::size_t i, std::byte*, std::byte* after) { view(i, after); });
      }
    }
  }

  [[nodiscard]] std::vector<std::int64_t> slowest() {
    std::vector<std::int64_t> times;
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      std::int64_t& most = times.emplace_back();
      for (int rank = 0; rank < calls_.ranks(); ++rank) most = std::max(most, time_of(call, rank));
    }
    return times;
  }

  const Kernel& kernel_;
  RealCalls how_;
  KernelValues values_of_kernel_;
  KernelCase case_;
  CaseSetup setup_;
  CaseCalls calls_;
  bool values_;
  std::unique_ptr<Executor> executor_;
  std::span<std::byte> shared_;      // between all ranks and this process
  std::vector<std::size_t> places_;  // offsets in `shared_`, by call, then rank
  std::size_t times_ = 0;
};

}  // namespace

RealKernelRun run_kernel_for_real(const Kernel& kernel, const CaseRunRequest& request,
                                  RealCalls how) {
  return RealRun(kernel, request, how).run(request);
}

}  // namespace peal
