// SPDX-License-Identifier: Apache-2.0
// An installed Peal holds what it should, works wherever it is put, and so do programs that are
// linked against it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/source_tree.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

void run_or_fail(const std::string& command) {
  EXPECT_EQ(std::system((command + " >/dev/null").c_str()), 0) << command;
}

// An installation that is marked, so that whatever is taken from elsewhere is noticed: its headers
// define PEAL_MARK, and it has a platform `marked`.
class Installation {
 public:
  Installation() {
    // Where it was installed it is not when it is used.
    run_or_fail("cmake --install '" PEAL_BINARY_FOLDER "' --prefix '" + folder_.path("made") + "'");
    fs::rename(folder_.path("made"), prefix());
    std::ofstream(prefix() + "/include/peal/machine/kernel.h", std::ios::app)
        << "#define PEAL_MARK 1\n";
    const std::string platforms = prefix() + "/share/peal/platforms/";
    fs::copy_file(platforms + "a2a3.toml", platforms + "marked.toml");
    std::ofstream(kernel()) << "#include \"peal/machine/kernel.h\"\n"
                               "#ifndef PEAL_MARK\n#error other headers\n#endif\n"
                               "peal::Kernel peal_kernel() {\n"
                               "  return {.name = \"marked\", .run = [](peal::Device&, const "
                               "peal::KernelArguments&) {}};\n}\n";
  }
  [[nodiscard]] std::string prefix() const { return folder_.path("moved away"); }
  [[nodiscard]] std::string kernel() const { return folder_.path("kernel.cpp"); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }

  // The installed headers, as they are included.
  [[nodiscard]] Names headers() const {
    const fs::path folder = prefix() + "/include";
    Names result;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) result.insert(fs::relative(entry.path(), folder));
    }
    return result;
  }
  [[nodiscard]] std::string header_text(const std::string& header) const {
    return file_text(prefix() + "/include/" + header);
  }
  // The shared library; empty if there is none.
  [[nodiscard]] std::string shared_library() const {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(prefix())) {
      if (entry.path().filename() == "libpeal.so.0") return entry.path();
    }
    return {};
  }

 private:
  TemporaryFolder folder_;
};

TEST(Install, TheCommandFindsItsFilesBesideItself) {
  const Installation installation;
  const std::string peal = installation.prefix() + "/bin/peal";
  const Finished run = run_program(peal, "run " + installation.kernel() + " -p markedsim");
  EXPECT_EQ(run.code, 0) << run.err;
  const Finished pto = run_program(peal, "run examples/pto/all_reduce_ring -p markedsim");
  EXPECT_EQ(pto.code, 0) << pto.err;
}

TEST(Install, TheEnvironmentSaysWhereItIs) {
  const Installation installation;
  const std::string root = "PEAL_ROOT='" + installation.prefix() + "' '" PEAL_BINARY "' ";
  const auto run = [&](const std::string& arguments) {
    return run_program("env", root + arguments);
  };
  EXPECT_EQ(run("run " + installation.kernel() + " -p markedsim").code, 0);
  EXPECT_EQ(run_program("env", "PEAL_ROOT= '" PEAL_BINARY "' run barrier -n 2").code, 0);
  const Finished wrong = run_program("env", "PEAL_ROOT=/no/such '" PEAL_BINARY "' run " +
                                                installation.kernel() + " -p platforms/a5.toml");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.err,
            "peal: the PTO headers are not found under /no/such/include; set PEAL_ROOT to the "
            "prefix of an installed Peal\n");
  EXPECT_NE(run_program("env", "PEAL_ROOT=/no/such '" PEAL_BINARY "' run barrier")
                .err.find("platform `a2a3sim` is not found"),
            std::string::npos);
}

bool is_of_kernels(const std::string& header) { return header.starts_with("peal/pto/"); }

// What docs/headers.md says that is installed: the headers of its table, those that they include,
// and those that kernels are compiled with.
Names documented_headers() {
  std::vector<std::string> open;
  for (const std::string& line : lines_of(source_text("docs/headers.md"))) {
    if (line.starts_with("| `peal/")) open.push_back(parts_of(line, '`')[1]);
  }
  for (const std::string& path : source_paths()) {
    if (path.starts_with("peal/pto/include/")) open.push_back(path);
  }
  Names found;
  while (!open.empty()) {
    const std::string header = open.back();
    open.pop_back();
    if (!found.insert(header).second) continue;
    for (const std::string& include : includes_of(source_text(header))) {
      if (include.starts_with("peal/")) open.push_back(include);
    }
  }
  return found;
}

TEST(Install, HoldsThePublicHeadersAndWhatTheyIncludeAndNoOthers) {
  const Installation installation;
  const Names headers = installation.headers();
  EXPECT_EQ(headers, documented_headers());
  for (const char* header : {"peal/peal.h", "peal/testing.h", "peal/machine/device.h",
                             "peal/pto/include/pto/pto-inst.hpp", "peal/pto/isa/abi.h"}) {
    EXPECT_TRUE(headers.contains(header)) << header;
  }
  for (const char* header : {"peal/checks/checker.h", "peal/executors/shm/executor.h",
                             "peal/base/toml_file.h", "peal/pto/isa/host.h"}) {
    EXPECT_TRUE(source_paths().contains(header)) << header;
    EXPECT_FALSE(headers.contains(header)) << header;
  }
}

TEST(Install, HeadersIncludeOnlyWhatIsInstalledAndExportWhatTheyDeclare) {
  const Installation installation;
  const Names headers = installation.headers();
  int exporting = 0;
  for (const std::string& header : headers) {
    const std::string text = installation.header_text(header);
    for (const std::string& include : includes_of(text)) {
      if (!include.starts_with("peal/")) continue;
      EXPECT_TRUE(headers.contains(include)) << header << " includes " << include;
    }
    if (is_of_kernels(header)) continue;
    for (const std::string& line : lines_of(text)) {
      const bool opens = line.starts_with("namespace ") && contains_word(line, "peal");
      if (!opens) continue;
      EXPECT_EQ(line, "namespace PEAL_API peal {") << header;
      ++exporting;
    }
  }
  EXPECT_GT(exporting, 40);
}

// Each `peal::x` of a text, without what follows it.
Names names_of_peal(const std::string& text) {
  Names result;
  const std::regex name("\\bpeal::([A-Za-z_][A-Za-z_0-9]*)");
  for (std::sregex_iterator match(text.begin(), text.end(), name), end; match != end; ++match) {
    result.insert((*match)[1]);
  }
  return result;
}

TEST(Install, TheLibraryExportsWhatItsHeadersDeclareAndNothingElse) {
  const Installation installation;
  const std::string library = installation.shared_library();
  if (library.empty()) GTEST_SKIP() << "the library is static";
  const Finished nm = run_program("nm", "-DC --defined-only '" + library + "'");
  ASSERT_EQ(nm.code, 0) << nm.err;
  for (const char* other : {"boost::", "fmt::", "toml::", "hwy::", "nlohmann::"}) {
    EXPECT_EQ(nm.out.find(other), std::string::npos) << nm.out.substr(nm.out.find(other), 200);
  }
  std::string declared;
  for (const std::string& header : installation.headers()) {
    if (!is_of_kernels(header)) declared += installation.header_text(header);
  }
  const Names exported = names_of_peal(nm.out);
  for (const std::string& name : exported) {
    EXPECT_TRUE(contains_word(declared, name)) << "peal::" << name << " is in no installed header";
  }
  for (const char* name : {"all_reduce", "run_kernel", "UsageError", "Device", "Worker"}) {
    EXPECT_TRUE(exported.contains(name)) << name;
  }
  for (const char* name : {"Checker", "ShmArena", "SimExecutor", "PlanCache"}) {
    EXPECT_FALSE(exported.contains(name)) << name;
  }
}

// A program elsewhere, linked by the package, that runs a kernel file. It brings a library that
// links Peal, too.
TEST(LongInstall, AProgramFindsTheInstallationItWasLinkedAgainst) {
  const Installation installation;
  const std::string sources = installation.path("program"), build = installation.path("build");
  fs::create_directory(sources);
  std::ofstream(sources + "/CMakeLists.txt")
      << "cmake_minimum_required(VERSION 3.25)\nproject(program LANGUAGES CXX)\n"
         "find_package(peal REQUIRED)\n"
         "add_library(part STATIC part.cpp)\ntarget_link_libraries(part PUBLIC peal::peal)\n"
         "add_executable(program main.cpp)\n"
         "target_link_libraries(program PRIVATE part peal::peal)\n"
         "peal_export_library(program)\n";
  std::ofstream(sources + "/part.cpp")
      << "#include \"peal/peal.h\"\n"
         "bool passes(const char* path) {\n"
         "  const peal::Kernel kernel = peal::load_kernel_file(path);\n"
         "  return !peal::run_kernel(kernel, {.platform = \"markedsim\"}).mismatch;\n}\n";
  std::ofstream(sources + "/main.cpp")
      << "bool passes(const char* path);\n"
         "int main(int, char** argv) { return passes(argv[1]) ? 0 : 1; }\n";
  run_or_fail(fmt::format("cmake -S '{}' -B '{}' -DCMAKE_PREFIX_PATH='{}' -DCMAKE_CXX_FLAGS='{}'",
                          sources, build, installation.prefix(), PEAL_COMPILE_FLAGS));
  run_or_fail("cmake --build '" + build + "'");
  const Finished run = run_program(build + "/program", installation.kernel());
  EXPECT_EQ(run.code, 0) << run.err;
}

}  // namespace
}  // namespace peal
