// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/api.h"
#include "peal/run/device_driver.h"
#include "peal/runtime/buffer.h"

namespace PEAL_API peal {

// A request for a named buffer, which is at the same offset in every member's window.
struct DomainBuffer {
  std::string name;
  DType dtype = DType::f32;
  std::size_t count = 0;
  std::size_t size_bytes = 0;  // 0: the size of the elements
};

struct DomainRequest {
  std::string name;
  std::vector<int> devices;  // the members; rank r is devices[r]
  std::size_t window_bytes = 0;
  std::vector<DomainBuffer> buffers = {};  // laid out in this order, each aligned to 64 bytes
};

// The state that all handles of a domain share.
struct DomainState {
  std::uint64_t worker = 0, run = 0;  // ids of its worker and run
  DomainRequest request;
  std::size_t index = 0;  // among the domains of the run
  std::vector<int> device_indexes;
  DeviceMemory window = {};
  std::vector<std::size_t> offsets;                    // of the buffers, in bytes
  std::vector<std::shared_ptr<BufferMemory>> windows;  // by rank
  std::string released = {};  // why no new task may use the domain; empty until it is released
  std::string broken = {};    // why no task may start on it any more; empty until a task failed

  void release(const std::string& why);
};

// The membership of one device in a domain; the context of a task.
class DomainMember {
 public:
  DomainMember(std::shared_ptr<DomainState> domain, int rank)
      : domain_(std::move(domain)), rank_(rank) {}

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int device() const {
    return domain_->request.devices[static_cast<std::size_t>(rank_)];
  }
  // This member's instance of the buffer; throws Error, with the buffers' names, if there is none.
  [[nodiscard]] Buffer buffer(std::string_view name) const;
  // The whole window, as bytes.
  [[nodiscard]] Buffer window() const;

  // For the runtime.
  [[nodiscard]] const std::shared_ptr<DomainState>& domain() const { return domain_; }

 private:
  std::shared_ptr<DomainState> domain_;
  int rank_;
};

// A handle of a named group of devices that can address each other's windows, for one run. After
// release(), or when the last handle is gone, no new task may use the domain; its memory is freed
// when the run ends.
class Domain {
 public:
  explicit Domain(std::shared_ptr<DomainState> state);

  [[nodiscard]] const std::string& name() const { return state_->request.name; }
  [[nodiscard]] int size() const { return static_cast<int>(state_->request.devices.size()); }
  [[nodiscard]] const std::vector<int>& devices() const { return state_->request.devices; }
  // The member with that rank (throws OutOfRange) or on that device (throws Error).
  [[nodiscard]] DomainMember operator[](int rank) const;
  [[nodiscard]] DomainMember on_device(int device) const;
  void release() { state_->release("was released"); }

 private:
  struct Handles;
  std::shared_ptr<DomainState> state_;
  std::shared_ptr<Handles> handles_;
};

// The offset of each buffer of the request in the window, in bytes. Throws Error if the name is
// empty, no device is given or one twice, the window is empty, two buffers have the same name or
// one has none, or the buffers do not fit into the window.
[[nodiscard]] std::vector<std::size_t> carve_window(const DomainRequest& request);

}  // namespace peal
