// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "peal/machine/kernel.h"

namespace peal {

// The arguments of one call of a described kernel. `buffers` and `rows` are in the order of the
// description; `scope` is what KernelValues::evaluate() returned. Team and kernel must outlive this
// object.
class DescribedArguments final : public KernelArguments {
 public:
  DescribedArguments(Team& team, const Kernel& kernel, std::int64_t call,
                     std::vector<std::int64_t> scope, std::vector<View> buffers,
                     std::vector<SignalRow> rows)
      : team_(team),
        kernel_(kernel),
        call_(call),
        scope_(std::move(scope)),
        buffers_(std::move(buffers)),
        rows_(std::move(rows)) {}

  [[nodiscard]] Team& team() const override { return team_; }
  [[nodiscard]] std::int64_t call() const override { return call_; }
  [[nodiscard]] std::int64_t value(std::string_view name) const override;
  [[nodiscard]] View buffer(std::string_view name) const override;
  [[nodiscard]] SignalRow signals(std::string_view name) const override;
  [[nodiscard]] const std::vector<View>& buffers() const { return buffers_; }

 private:
  [[noreturn]] void refuse(const char* what, std::string_view name) const;

  Team& team_;
  const Kernel& kernel_;
  std::int64_t call_;
  std::vector<std::int64_t> scope_;
  std::vector<View> buffers_;
  std::vector<SignalRow> rows_;
};

}  // namespace peal
