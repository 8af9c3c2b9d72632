// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/source_line.h"

#include <elfutils/libdwfl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <set>

namespace peal {

SourcePlace source_place(const void* address) {
  static std::set<std::string> files;  // a node stays where it is
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
  Dwfl_Line* const line = dwfl_getsrc(session.get(), place);
  if (line == nullptr) return {};
  int number = 0;
  const char* const file = dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
  if (file == nullptr) return {};
  return {files.insert(file).first->c_str(), static_cast<std::uint32_t>(number)};
}

std::string source_line(const void* address) {
  const SourcePlace place = source_place(address);
  if (*place.file != '\0') return fmt::format("{}:{}", place.file, place.line);
  return fmt::format("address {}", address);
}

}  // namespace peal
