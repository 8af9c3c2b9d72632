// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace peal {

// The text of a JSON file. Strings may hold invalid UTF-8, because file names are arbitrary bytes;
// invalid sequences become U+FFFD.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& json);

}  // namespace peal
