// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/isa/refusal.h"

#include "peal/base/error.h"

namespace peal::pto_refusal {

Core& core() {
  Core* running = current_core();
  PEAL_CHECK(running != nullptr);
  return *running;
}

void refuse_at(const FailurePlace& place, const std::string& what, KernelFailure::Kind kind) {
  throw KernelFailure(kind, core().rank(), core().index(), what, place);
}

void refuse(pto_abi::Place place, const std::string& what, KernelFailure::Kind kind) {
  refuse_at(FailurePlace::at({place.file, place.line}), what, kind);
}

}  // namespace peal::pto_refusal
