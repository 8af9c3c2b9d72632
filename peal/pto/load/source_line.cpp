// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/source_line.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace peal {
namespace {

// True for Peal's kernel headers. A report names the kernel's line that has called them.
bool is_ours(std::string_view file) { return file.find("peal/pto/include/") != file.npos; }

SourcePlace line_at(Dwfl& session, std::uintptr_t place, std::set<std::string>& files) {
  Dwfl_Line* const line = dwfl_getsrc(&session, place);
  if (line == nullptr) return {};
  int number = 0;
  const char* const file = dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
  if (file == nullptr) return {};
  return {files.insert(file).first->c_str(), static_cast<std::uint32_t>(number)};
}

std::optional<Dwarf_Word> number_of(Dwarf_Die& die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(&die, name, &attribute) == nullptr || dwarf_formudata(&attribute, &value) != 0) {
    return std::nullopt;
  }
  return value;
}

// Goes through the inlined calls at `place` from the innermost outwards; returns the first call
// site that is not in Peal's headers.
SourcePlace outer_place(Dwfl& session, std::uintptr_t place, const SourcePlace& innermost,
                        std::set<std::string>& files) {
  Dwarf_Addr bias = 0;
  Dwarf_Die* const unit = dwfl_addrdie(&session, place, &bias);
  Dwarf_Files* sources = nullptr;
  if (unit == nullptr || dwarf_getsrcfiles(unit, &sources, nullptr) != 0) return innermost;
  Dwarf_Die* scopes = nullptr;
  const int count = dwarf_getscopes(unit, place - bias, &scopes);
  const std::unique_ptr<Dwarf_Die, decltype(&std::free)> owner(scopes, std::free);
  for (int i = 0; i < count; ++i) {
    if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine) continue;
    const auto file = number_of(scopes[i], DW_AT_call_file);
    const auto line = number_of(scopes[i], DW_AT_call_line);
    if (!file || !line) continue;
    const char* const name = dwarf_filesrc(sources, *file, nullptr, nullptr);
    if (name == nullptr || is_ours(name)) continue;
    return {files.insert(name).first->c_str(), static_cast<std::uint32_t>(*line)};
  }
  return innermost;
}

}  // namespace

SourcePlace source_place(const void* address) {
  static std::set<std::string> files;  // its nodes never move, so the names stay valid
  static char* no_debug_path = nullptr;
  static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
                                           .find_debuginfo = dwfl_standard_find_debuginfo,
                                           .section_address = nullptr,
                                           .debuginfo_path = &no_debug_path};
  const std::unique_ptr<Dwfl, decltype(&dwfl_end)> session(dwfl_begin(&callbacks), dwfl_end);
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  if (session == nullptr || dwfl_linux_proc_report(session.get(), ::getpid()) != 0 ||
      dwfl_report_end(session.get(), nullptr, nullptr) != 0) {
    return {};
  }
  const SourcePlace innermost = line_at(*session, place, files);
  return is_ours(innermost.file) ? outer_place(*session, place, innermost, files) : innermost;
}

FailurePlace failure_place(const void* address) {
  const SourcePlace place = source_place(address);
  if (*place.file != '\0') return FailurePlace::at(place);
  return {.address = reinterpret_cast<std::uintptr_t>(address)};
}

}  // namespace peal
