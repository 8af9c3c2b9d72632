// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "peal/run/device_driver.h"
#include "peal/runtime/buffer.h"

namespace peal {

// A named part of every member's window.
struct DomainBuffer {
  std::string name;
  DType dtype = DType::f32;
  std::size_t count = 0;
  std::size_t size_bytes = 0;  // 0: as many as the elements take
};

struct DomainRequest {
  std::string name;
  std::vector<int> devices;  // the members; their ranks are in this order
  std::size_t window_bytes = 0;
  std::vector<DomainBuffer> buffers = {};  // one after the other, each aligned to 64 bytes
};

// What all handles of a domain share.
struct DomainState {
  std::uint64_t worker = 0, run = 0;  // identify them
  DomainRequest request;
  std::size_t index = 0;  // among the run's
  std::vector<int> device_indexes;
  DeviceMemory window = {};
  std::vector<std::size_t> offsets;                    // of the buffers, in bytes
  std::vector<std::shared_ptr<BufferMemory>> windows;  // by rank
  std::string released = {};  // why no new task may use it; empty while any may
  std::string broken = {};    // why no task may use it any more

  void release(const std::string& why);
};

// One device's place in a domain: what a task needs to know as its context.
class DomainMember {
 public:
  DomainMember(std::shared_ptr<DomainState> domain, int rank)
      : domain_(std::move(domain)), rank_(rank) {}

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int device() const {
    return domain_->request.devices[static_cast<std::size_t>(rank_)];
  }
  // This member's instance of a buffer; throws Error with the names that there are.
  [[nodiscard]] Buffer buffer(std::string_view name) const;
  // The whole window, as bytes.
  [[nodiscard]] Buffer window() const;

  [[nodiscard]] const std::shared_ptr<DomainState>& domain() const { return domain_; }  // runtime's

 private:
  std::shared_ptr<DomainState> domain_;
  int rank_;
};

// Devices that can address each other's windows, under a name, for one run. A handle: when the last
// one is gone, or at release(), no new task may use the domain; its memory is freed after the run's
// last task.
class Domain {
 public:
  explicit Domain(std::shared_ptr<DomainState> state);

  [[nodiscard]] const std::string& name() const { return state_->request.name; }
  [[nodiscard]] int size() const { return static_cast<int>(state_->request.devices.size()); }
  [[nodiscard]] const std::vector<int>& devices() const { return state_->request.devices; }
  // Throw Error for a rank that the domain does not have, or a device that is no member.
  [[nodiscard]] DomainMember operator[](int rank) const;
  [[nodiscard]] DomainMember on_device(int device) const;
  void release() { state_->release("was released"); }

 private:
  struct Handles;
  std::shared_ptr<DomainState> state_;
  std::shared_ptr<Handles> handles_;
};

// Where each buffer of the request lies in the window. Throws Error for a request that makes no
// sense: no name, empty or repeated devices, buffers without a name, of one name, or larger than
// the window.
[[nodiscard]] std::vector<std::size_t> carve_window(const DomainRequest& request);

}  // namespace peal
