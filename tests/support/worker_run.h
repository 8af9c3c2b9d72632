// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/launch/pto_callable.h"
#include "peal/launch/worker.h"
#include "tests/support/small_kernel.h"

namespace peal {

inline Worker started(const WorkerOptions& options = {}) {
  Worker worker = open_worker(options);
  worker.start();
  return worker;
}

inline WorkerOptions on_devices(std::vector<int> devices, const std::string& schedule = "virtual") {
  return {.devices = std::move(devices), .schedule = schedule};
}

// Numbers of devices that are not their places.
inline std::vector<int> device_numbers(int count) {
  const std::vector<int> all = {5, 2, 9, 0, 14, 3, 7};
  return {all.begin(), all.begin() + count};
}

// The text of the Error that the function throws.
template <class Function>
std::string refusal(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing is thrown";
}

// The report of a run, with its failures or without.
inline GraphReport report_of(const RunHandle& run) {
  try {
    return run.result();
  } catch (const RunFailure& failure) {
    return failure.report();
  }
}

// Adds `amount` to each element of argument 0.
inline Callable adder(float amount = 1) {
  return device_function("adder", [amount](Device& self, const TaskArguments& args) {
    const View all = args.view(0);
    self.compute({.reads = {all}, .writes = {all}, .cycles = 100}, [&] {
      for (float& value : args.elements<float>(0)) value += amount;
    });
  });
}

// Buffers of worker memory and back.
inline std::vector<float> floats_of(Worker& worker, const Buffer& buffer) {
  std::vector<float> result(buffer.count());
  worker.copy_from(result, buffer);
  return result;
}

// A PTO kernel without a shim, written to a file of its own. `in` and `out` are the elements of
// arguments 0 and 1.
class PtoSource {
 public:
  explicit PtoSource(const std::string& body) {
    std::ofstream(path()) << "#include <pto/pto-inst.hpp>\n"
                             "#include \"pto/comm/pto_comm_inst.hpp\"\n"
                             "#include \"pipe_sync.h\"\n"
                             "#include \"platform_comm/comm_context.h\"\n"
                             "#include \"tensor.h\"\n"
                             "using namespace pto;\n"
                             "extern \"C\" void kernel_entry(int64_t* args) {\n"
                             "  auto* in = reinterpret_cast<float*>("
                             "reinterpret_cast<Tensor*>(args[0])->buffer.addr);\n"
                             "  auto* out = reinterpret_cast<float*>("
                             "reinterpret_cast<Tensor*>(args[1])->buffer.addr);\n"
                             "  (void)in; (void)out;\n"
                             "#line 100\n  "
                          << body << "\n}\n";
  }
  [[nodiscard]] std::string path() const { return folder_.path("kernel.cpp"); }
  [[nodiscard]] Callable callable() const { return pto_kernel(path()); }

 private:
  TemporaryFolder folder_;
};

}  // namespace peal
