// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/domain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "peal/base/alignment.h"
#include "peal/base/error.h"

namespace peal {

// Counts the user's handles: releases the domain when the last one is gone. The state itself lives
// longer, because the run shares it.
struct Domain::Handles {
  explicit Handles(std::shared_ptr<DomainState> given) : state(std::move(given)) {}
  ~Handles() { state->release("was released, because its last handle is gone"); }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  std::shared_ptr<DomainState> state;
};

Domain::Domain(std::shared_ptr<DomainState> state)
    : state_(std::move(state)), handles_(std::make_shared<Handles>(state_)) {}

void DomainState::release(const std::string& why) {
  if (!released.empty()) return;
  released = why;
  for (const std::shared_ptr<BufferMemory>& memory : windows) {
    memory->gone = fmt::format("belongs to domain `{}`, which {}", request.name, why);
  }
}

Buffer DomainMember::window() const {
  const std::shared_ptr<BufferMemory>& memory = domain_->windows[static_cast<std::size_t>(rank_)];
  return {memory, 0, memory->size_bytes, DType::u8};
}

Buffer DomainMember::buffer(std::string_view name) const {
  const std::vector<DomainBuffer>& buffers = domain_->request.buffers;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].name == name) {
      return {domain_->windows[static_cast<std::size_t>(rank_)], domain_->offsets[i],
              buffers[i].count, buffers[i].dtype};
    }
    names.push_back(fmt::format("`{}`", buffers[i].name));
  }
  throw UsageError(fmt::format("domain `{}` has no buffer `{}`; {}", domain_->request.name, name,
                               names.empty()
                                   ? "give it one in `buffers`"
                                   : fmt::format("use one of {}", fmt::join(names, ", "))));
}

DomainMember Domain::operator[](int rank) const {
  if (rank < 0 || rank >= size()) {
    throw OutOfRange(
        fmt::format("domain `{}`: {} is not one of its ranks 0..{}", name(), rank, size() - 1));
  }
  return {state_, rank};
}

DomainMember Domain::on_device(int device) const {
  const auto found = std::find(devices().begin(), devices().end(), device);
  if (found == devices().end()) {
    throw UsageError(fmt::format("domain `{}`: device {} is not a member; its devices are {}",
                                 name(), device, fmt::join(devices(), ", ")));
  }
  return {state_, static_cast<int>(found - devices().begin())};
}

namespace {

void check_members(const DomainRequest& request) {
  if (request.name.empty()) {
    throw UsageError("domain: the name is empty; give one, which reports can use");
  }
  if (request.devices.empty()) {
    throw UsageError(
        fmt::format("domain `{}`: no devices are given; name at least one", request.name));
  }
  std::set<int> known;
  for (int device : request.devices) {
    if (known.insert(device).second) continue;
    throw UsageError(fmt::format("domain `{}`: device {} is given twice; name each device once",
                                 request.name, device));
  }
}

}  // namespace

std::vector<std::size_t> carve_window(const DomainRequest& request) {
  check_members(request);
  if (request.window_bytes == 0) {
    throw UsageError(
        fmt::format("domain `{}`: a window of 0 bytes; give at least 1", request.name));
  }
  std::vector<std::size_t> offsets;
  std::set<std::string> names;
  std::size_t used = 0;
  for (const DomainBuffer& buffer : request.buffers) {
    if (buffer.name.empty() || !names.insert(buffer.name).second) {
      throw UsageError(
          fmt::format("domain `{}`: buffer name `{}` is {}; give each buffer one of its own",
                      request.name, buffer.name, buffer.name.empty() ? "empty" : "used twice"));
    }
    const std::size_t element = size_bytes(buffer.dtype);
    if (buffer.count > request.window_bytes / element) {
      throw UsageError(fmt::format(
          "domain `{}`: buffer `{}` of {} elements of {} is larger than the window of {} bytes; "
          "raise window_bytes",
          request.name, buffer.name, buffer.count, name(buffer.dtype), request.window_bytes));
    }
    const std::size_t least = buffer.count * element;
    if (buffer.size_bytes != 0 && buffer.size_bytes < least) {
      throw UsageError(fmt::format(
          "domain `{}`: buffer `{}` of {} bytes does not hold {} elements of "
          "{}; give {} bytes or more",
          request.name, buffer.name, buffer.size_bytes, buffer.count, name(buffer.dtype), least));
    }
    const std::size_t bytes = std::max(least, buffer.size_bytes);
    const std::size_t offset = in_cache_lines(used);
    if (offset > request.window_bytes || bytes > request.window_bytes - offset) {
      throw UsageError(fmt::format(
          "domain `{}`: buffer `{}` of {} bytes does not fit into the window of {} bytes, of which "
          "{} are taken; raise window_bytes to {} or more",
          request.name, buffer.name, bytes, request.window_bytes, offset, offset + bytes));
    }
    offsets.push_back(offset);
    used = offset + bytes;
  }
  return offsets;
}

}  // namespace peal
