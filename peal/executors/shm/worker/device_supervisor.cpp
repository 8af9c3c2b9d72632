// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/worker/device_supervisor.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <exception>

#include "peal/base/error.h"
#include "peal/base/packed_text.h"
#include "peal/executors/shm/rank_process.h"

namespace peal {
namespace {

// The path of the object file that is loaded at a function's address; empty if there is none.
std::string object_of(std::size_t function) {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(function), &info) == 0 || info.dli_fname == nullptr) {
    return "";
  }
  return info.dli_fname;
}

template <class Function>
std::size_t address_of(Function function) {
  return reinterpret_cast<std::size_t>(function);
}

// Throws Error unless this process has the same object file at the function's address as the
// driver.
void check_function(const std::string& name, std::size_t function, const std::string& object) {
  if (function == 0 || object_of(function) == object) return;
  throw UsageError(
      fmt::format("callable `{}`: its function lies in `{}`, which was loaded after the worker was "
                  "opened, and device processes do not have that; load it before open_worker",
                  name, object));
}

}  // namespace

std::string pack_programs(const std::vector<NamedDescriptor>& programs) {
  PackedText packed;
  packed.add(programs.size());
  for (const auto& [name, descriptor] : programs) {
    packed.add(name).add(descriptor.text);
    for (const std::size_t function :
         {address_of(descriptor.make), address_of(descriptor.function)}) {
      packed.add(function).add(object_of(function));
    }
  }
  return packed.text();
}

void DeviceSupervisor::work() {
  ::prctl(PR_SET_NAME, "peal-supervisor");
  for (;;) {
    char message = 0;
    const ssize_t got = ::read(socket_, &message, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    switch (static_cast<SupervisorMessage>(message)) {
      case SupervisorMessage::programs:
        add_programs({control_.programs, control_.programs_bytes});
        break;
      case SupervisorMessage::start:
        run_devices();
        break;
      case SupervisorMessage::stop:  // has killed the devices already, or came after their end
        break;
      case SupervisorMessage::quit:
        return;
    }
  }
}

void DeviceSupervisor::add_programs(std::string_view packed) {
  try {
    UnpackedText unpacked(packed);
    for (std::size_t left = unpacked.count(); left > 0; --left) {
      const std::string name = unpacked.text();
      ProgramDescriptor descriptor{.text = unpacked.text()};
      const std::size_t make = unpacked.count();
      check_function(name, make, unpacked.text());
      const std::size_t function = unpacked.count();
      check_function(name, function, unpacked.text());
      descriptor.make = reinterpret_cast<decltype(descriptor.make)>(make);
      descriptor.function = reinterpret_cast<decltype(descriptor.function)>(function);
      programs_.push_back(descriptor.make(descriptor));
    }
  } catch (const std::exception& error) {  // also what a program's own `make` throws
    control_.is_refused = true;
    keep_text(control_.refusal, std::string_view(error.what()));
  }
  add_and_wake(control_.answers.word(), 1);
}

// Forks all devices, and returns when all have ended: one that ends makes the others be killed, as
// does a message in the socket.
void DeviceSupervisor::run_devices() {
  RankProcesses processes(
      arena_, {.name =
                   [&](int device) {
                     return fmt::format("device {}", numbers_[static_cast<std::size_t>(device)]);
                   },
               .stop = socket_});
  try {
    for (int device = 0; device < arena_.ranks(); ++device) {
      processes.fork([this, device]() -> int {
        ::close(socket_);
        ::prctl(PR_SET_NAME, "peal-device");
        arena_.rank(device).state.store(RankState::running);
        add_and_wake(control_.ready.word(), 1);
        DeviceProcess(arena_, control_, device, platform_, programs_).work();
      });
    }
  } catch (const Error& error) {
    arena_.abort(0, RankState::dead, error.what());
  }
  static_cast<void>(processes.wait(0));
  add_and_wake(control_.stops.word(), 1);
  add_and_wake(control_.events.word(), 1);
}

}  // namespace peal
