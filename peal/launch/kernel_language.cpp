// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/kernel_language.h"

#include <exception>
#include <string_view>

#include "peal/base/error.h"
#include "peal/base/file_text.h"
#include "peal/pto/load/loaded_object.h"

namespace peal {
namespace {

constexpr std::string_view peal_entry = "peal_kernel";
constexpr std::string_view pto_entry = "kernel_entry";

bool mentions(std::string_view text, std::string_view name) { return text.find(name) != text.npos; }

// True if the text has the name, parentheses and an opening brace, with spaces between them: what
// the definition of a function looks like, wherever it stands.
bool seems_to_define(std::string_view text, std::string_view name) {
  const auto next = [text](std::size_t at) {
    const std::size_t found = text.find_first_not_of(" \t\r\n", at);
    return found == text.npos ? '\0' : text[found];
  };
  for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    if (next(at + name.size()) != '(') continue;
    const std::size_t close = text.find(')', at);
    if (close != text.npos && next(close + 1) == '{') return true;
  }
  return false;
}

}  // namespace

KernelLanguage suggested_language(const std::string& text) {
  const bool has_peal = seems_to_define(text, peal_entry);
  const bool has_pto = seems_to_define(text, pto_entry);
  const bool is_peal =
      has_peal != has_pto ? has_peal : mentions(text, peal_entry) || !mentions(text, pto_entry);
  return is_peal ? KernelLanguage::peal : KernelLanguage::pto;
}

void load_in_its_language(const std::string& source, const std::function<void()>& as_peal,
                          const std::function<void()>& as_pto) {
  const std::string text = file_text(source);
  const bool is_peal_first = suggested_language(text) == KernelLanguage::peal;
  std::exception_ptr failure;
  try {
    return is_peal_first ? as_peal() : as_pto();
  } catch (const MissingEntry&) {
    failure = std::current_exception();
  } catch (const QuotedError&) {
    // The text leaves no doubt if it seems to define this entry and does not mention the other.
    const std::string_view own = is_peal_first ? peal_entry : pto_entry;
    const std::string_view other = is_peal_first ? pto_entry : peal_entry;
    if (seems_to_define(text, own) && !mentions(text, other)) throw;
    failure = std::current_exception();
  }
  try {
    return is_peal_first ? as_pto() : as_peal();
  } catch (const UsageError&) {  // nor is it in the other language
    std::rethrow_exception(failure);
  }
}

}  // namespace peal
