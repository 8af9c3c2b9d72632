// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/source_line.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace peal {
namespace {

struct Line {
  std::string file;
  std::uint32_t line = 0;
};

bool is_of_headers(std::string_view file) {
  return file.find("/peal/pto/include/") != std::string_view::npos;
}

// The call that has brought an instruction of Peal's own headers into the kernel: those functions
// are inlined.
Line caller(Dwfl* session, std::uintptr_t address, Line line) {
  Dwarf_Addr bias = 0;
  Dwarf_Die* const unit = dwfl_addrdie(session, address, &bias);
  if (unit == nullptr) return line;
  Dwarf_Die* scopes = nullptr;
  Dwarf_Files* files = nullptr;
  std::size_t file_count = 0;
  const int count = dwarf_getscopes(unit, address - bias, &scopes);
  const std::unique_ptr<Dwarf_Die, decltype(&std::free)> owner(scopes, std::free);
  if (dwarf_getsrcfiles(unit, &files, &file_count) != 0) return line;
  for (int i = 0; i < count && is_of_headers(line.file); ++i) {
    if (dwarf_tag(scopes + i) != DW_TAG_inlined_subroutine) continue;
    Dwarf_Attribute attribute;
    Dwarf_Word file = 0, number = 0;
    if (dwarf_formudata(dwarf_attr(scopes + i, DW_AT_call_file, &attribute), &file) != 0 ||
        dwarf_formudata(dwarf_attr(scopes + i, DW_AT_call_line, &attribute), &number) != 0) {
      continue;
    }
    const char* const name = dwarf_filesrc(files, file, nullptr, nullptr);
    if (name != nullptr) line = {name, static_cast<std::uint32_t>(number)};
  }
  return line;
}

}  // namespace

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
  Line found{file, static_cast<std::uint32_t>(number)};
  if (is_of_headers(found.file)) found = caller(session.get(), place, found);
  return {files.insert(found.file).first->c_str(), found.line};
}

std::string source_line(const void* address) {
  const SourcePlace place = source_place(address);
  if (*place.file != '\0') return fmt::format("{}:{}", place.file, place.line);
  return fmt::format("address {}", address);
}

}  // namespace peal
