// SPDX-License-Identifier: Apache-2.0
#include "cli/output/json_text.h"

#include <nlohmann/json.hpp>

namespace peal {

std::string json_text(const nlohmann::ordered_json& json) {
  constexpr int indent = 2;
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace peal
